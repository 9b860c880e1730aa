// SPDX-License-Identifier: BSD-3-Clause
// ProcessBuilder by its default launch mechanism, which posix_spawns the helper that becomes the program. Prints what
// came of each, and nothing that differs from run to run.

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

class Processes {
  private static File scratch;

  private static ProcessBuilder shell(String script) {
    return new ProcessBuilder("/bin/sh", "-c", script).directory(scratch);
  }

  private static String out(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim().replace("\n", "|");
  }

  private static void failed(String what, ProcessBuilder builder) throws InterruptedException {
    try {
      System.out.println(what + ": started, " + builder.start().waitFor());
    } catch (IOException e) {
      System.out.println(what + ": " + e.getMessage());
    }
  }

  private static void streams() throws Exception {
    Process process = shell("echo out; echo err >&2").start();
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8).trim();
    System.out.println("pipes: " + out(process) + ", " + err + ", " + process.waitFor());

    process = new ProcessBuilder("tr", "a-z", "A-Z").start();
    process.getOutputStream().write("through two pipes".getBytes(StandardCharsets.UTF_8));
    process.getOutputStream().close();
    System.out.println("searched for in PATH: " + out(process) + ", " + process.waitFor());

    process = shell("echo out; echo err >&2").redirectErrorStream(true).start();
    System.out.println("both in one: " + out(process) + ", " + process.waitFor());

    File file = new File(scratch, "redirected");
    shell("echo one").redirectOutput(file).start().waitFor();
    shell("echo two; echo three >&2").redirectOutput(Redirect.appendTo(file)).redirectError(Redirect.DISCARD).start()
        .waitFor();
    System.out.println("to a file, then to its end: " + Files.readString(file.toPath()).trim().replace("\n", "|"));
    process = new ProcessBuilder("sort", "-r").redirectInput(file).start();
    System.out.println("from a file: " + out(process) + ", " + process.waitFor());
    System.out.flush();
    System.out.println("inherited: " + shell("echo this").inheritIO().start().waitFor());

    List<ProcessBuilder> pipeline = List.of(
        new ProcessBuilder("seq", "1", "100000"), new ProcessBuilder("grep", "7"), new ProcessBuilder("wc", "-l"));
    List<Process> started = ProcessBuilder.startPipeline(pipeline);
    System.out.println("a pipeline: " + out(started.get(2)));
    for (Process one : started) System.out.println("  " + one.waitFor());
  }

  private static void environments() throws Exception {
    ProcessBuilder builder = shell("echo $A ${HOME-unset}; pwd").directory(new File("/usr/share"));
    Map<String, String> environment = builder.environment();
    environment.put("A", "1");
    environment.remove("HOME");
    System.out.println("environment, directory: " + out(builder.start()));
    System.out.println("descriptors: " + out(shell("ls /proc/$$/fd").start()));
    // Of itself, not of a shell around it: that blocks signals while it starts a program.
    builder = new ProcessBuilder("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status");
    for (String line : out(builder.start()).split("\\|")) {
      String[] parts = line.split(":\t");
      // Without 32 and 33, which glibc keeps for itself: its posix_spawn leaves them ignored.
      System.out.printf("signals: %s %x%n", parts[0], Long.parseUnsignedLong(parts[1], 16) & ~(3L << 31));
    }
  }

  private static void threads() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    List<Future<Integer>> futures = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      int code = i;
      Callable<Integer> task = () -> shell("exit " + code).start().waitFor();
      futures.add(pool.submit(task));
    }
    int right = 0;
    for (int i = 0; i < futures.size(); i++) if (futures.get(i).get() == i) right++;
    pool.shutdown();
    System.out.println("4 threads, 40 processes: " + right + " right");
  }

  public static void main(String[] args) throws Exception {
    scratch = new File(args[0]);
    for (int code : new int[] {0, 1, 42, 255}) {
      System.out.println("exit " + code + ": " + shell("exit " + code).start().waitFor());
    }
    System.out.println("killed: " + shell("kill -TERM $$").start().waitFor());
    streams();
    environments();
    failed("a missing path", new ProcessBuilder("/nonexistent/program"));
    failed("a missing name", new ProcessBuilder("no-such-program-anywhere"));
    failed("a file that is not executable", new ProcessBuilder("/etc/passwd"));
    failed("a missing directory", new ProcessBuilder("true").directory(new File("/nonexistent")));
    Process process = new ProcessBuilder("sleep", "1000").start();
    System.out.println("one that sleeps has ended: " + process.waitFor(10, TimeUnit.MILLISECONDS));
    System.out.println("destroyed: " + process.destroyForcibly().waitFor());
    threads();
  }
}
