/* SPDX-License-Identifier: BSD-3-Clause */
/* The outcome as one JSON object. It is valid whatever the program has written and whatever the
 * paths have in them, and all of its members are always there: what is not known is null. */

#include "outcome.h"
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int open_json(const struct job *job) {
  if (job->json == NULL || job->explain >= 0) return -1;
  if (*job->json == '\0') return job->capture ? STDOUT_FILENO : STDERR_FILENO;
  return open_own("json", job->json, O_WRONLY | O_CREAT | O_TRUNC);
}

/* ---- text ---- */

/* How many bytes the character at `text` has, of `size`; 0 if that is no UTF-8 (RFC 3629). */
static size_t utf8_length(const unsigned char *text, size_t size) {
  unsigned char first = text[0], least = 0x80, most = 0xbf;
  size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  /* From 0x80 on they are not the first, 0xc0 and 0xc1 would be too long, and 0xf5 too far up. */
  if ((first >= 0x80 && first < 0xc2) || first >= 0xf5 || length > size) return 0;
  if (first == 0xe0) least = 0xa0; /* else it were too long */
  if (first == 0xed) most = 0x9f;  /* surrogates */
  if (first == 0xf0) least = 0x90;
  if (first == 0xf4) most = 0x8f; /* above U+10FFFF */
  for (size_t i = 1; i < length; i++) {
    if (text[i] < least || text[i] > most) return 0;
    least = 0x80;
    most = 0xbf;
  }
  return length;
}

static bool is_utf8(const char *data, size_t size) {
  const unsigned char *text = (const unsigned char *)data;
  for (size_t i = 0, length; i < size; i += length)
    if ((length = utf8_length(text + i, size - i)) == 0) return false;
  return true;
}

static void put_string(FILE *out, const char *data, size_t size) {
  const unsigned char *text = (const unsigned char *)data;
  putc('"', out);
  for (size_t i = 0; i < size;) {
    size_t length = utf8_length(text + i, size - i);
    if (length == 0) {
      fputs("\\ufffd", out);
      length = 1;
    } else if (text[i] < 0x20) {
      fprintf(out, "\\u%04x", text[i]);
    } else {
      if (text[i] == '"' || text[i] == '\\') putc('\\', out);
      fwrite(text + i, 1, length, out);
    }
    i += length;
  }
  putc('"', out);
}

static void put_base64(FILE *out, const char *data, size_t size) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *bytes = (const unsigned char *)data;
  putc('"', out);
  for (size_t i = 0; i < size; i += 3) {
    unsigned group = (unsigned)bytes[i] << 16;
    if (i + 1 < size) group |= (unsigned)bytes[i + 1] << 8;
    if (i + 2 < size) group |= bytes[i + 2];
    putc(digits[group >> 18], out);
    putc(digits[group >> 12 & 63], out);
    putc(i + 1 < size ? digits[group >> 6 & 63] : '=', out);
    putc(i + 2 < size ? digits[group & 63] : '=', out);
  }
  putc('"', out);
}

/* ---- members ---- */

static void put_key(FILE *out, const char *key) { fprintf(out, ", \"%s\": ", key); }

static void put_number(FILE *out, const char *key, bool known, long long value) {
  put_key(out, key);
  if (known)
    fprintf(out, "%lld", value);
  else
    fputs("null", out);
}

static void put_bool(FILE *out, const char *key, bool value) {
  put_key(out, key);
  fputs(value ? "true" : "false", out);
}

static void put_name(FILE *out, const char *key, const char *name) {
  put_key(out, key);
  if (name != NULL)
    put_string(out, name, strlen(name));
  else
    fputs("null", out);
}

/* A number with its name; null for 0. */
static void put_named(FILE *out, const char *key, int value, const char *name) {
  put_key(out, key);
  if (value == 0) {
    fputs("null", out);
    return;
  }
  fprintf(out, "{\"number\": %d", value);
  put_name(out, "name", name);
  putc('}', out);
}

/* With integers alone: a locale has no say in them. */
static void put_seconds(FILE *out, const char *key, bool known, uint64_t nanoseconds) {
  put_key(out, key);
  if (known)
    fprintf(out, "%llu.%09llu", (unsigned long long)(nanoseconds / 1000000000),
            (unsigned long long)(nanoseconds % 1000000000));
  else
    fputs("null", out);
}

static uint64_t nanoseconds(struct timeval time) {
  return ((uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec) * 1000;
}

static void put_output(FILE *out, const char *key, const char *data, size_t size, unsigned cut) {
  put_key(out, key);
  if (data == NULL) {
    fputs("null", out);
    return;
  }
  fprintf(out, "{\"bytes\": %zu", size);
  put_bool(out, "cut", cut != 0);
  if (is_utf8(data, size)) {
    put_key(out, "text");
    put_string(out, data, size);
  } else {
    put_key(out, "base64");
    put_base64(out, data, size);
  }
  putc('}', out);
}

static void put_error(FILE *out, const struct job *job, const struct outcome *outcome) {
  const fe_error *error = &outcome->error;
  char item[PATH_MAX + 8], reason[128], message[sizeof item + sizeof reason + 32];
  put_key(out, "error");
  if (outcome->started) {
    fputs("null", out);
    return;
  }
  failed_item(&job->attr, error, item, sizeof item);
  failed_reason(error, reason, sizeof reason);
  snprintf(message, sizeof message, "%s%s: %s", fe_step_name(error->step), item, reason);
  fprintf(out, "{\"step\": \"%s\"", fe_step_name(error->step));
  put_number(out, "index", error->index >= 0, error->index);
  put_named(out, "errno", error->errnum, errno_name(error->errnum));
  put_named(out, "signal", error->signal, signal_name(error->signal));
  put_name(out, "message", message);
  putc('}', out);
}

static void put_stopped(FILE *out, const struct job *job, const struct outcome *outcome) {
  static const char *const whom[] = {
      [0] = "process", [FE_STOP_GROUP] = "group", [FE_STOP_TREE] = "tree"};
  static const char *const means[] = {[0] = NULL,
                                      [FE_TREE_CGROUP] = "cgroup",
                                      [FE_TREE_PIDNS] = "pid namespace",
                                      [FE_TREE_SWEEP] = "sweep",
                                      [FE_TREE_GROUP] = "group"};
  put_key(out, "stopped");
  if (!outcome->timed_out) {
    fputs("null", out);
    return;
  }
  fprintf(out, "{\"whom\": \"%s\"", whom[job->stop]);
  put_name(out, "means", means[outcome->means]);
  put_named(out, "signal", job->stop_signal, signal_name(job->stop_signal));
  put_number(out, "grace_ms", true, job->kill_after_ms);
  putc('}', out);
}

void write_json(int fd, const struct job *job, const struct outcome *outcome) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out == NULL) DIE("%s", strerror(ENOMEM));
  const fe_result *result = &outcome->result;
  unsigned flags = result->flags;
  int status = outcome->status, sig = outcome->ended && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  fprintf(out, "{\"started\": %s", outcome->started ? "true" : "false");
  put_number(out, "pid", outcome->started, outcome->pid);
  put_name(out, "way", outcome->way != 0 ? way_name(outcome->way) : NULL);
  put_number(out, "status", outcome->ended && WIFEXITED(status), WEXITSTATUS(status));
  put_named(out, "signal", sig, signal_name(sig));
  put_bool(out, "core_dumped", sig != 0 && WCOREDUMP(status));
  put_bool(out, "timed_out", outcome->timed_out);
  put_stopped(out, job, outcome);
  put_seconds(out, "wall_s", true, outcome->wall_ns);
  put_seconds(out, "user_s", outcome->ended, nanoseconds(outcome->usage.ru_utime));
  put_seconds(out, "system_s", outcome->ended, nanoseconds(outcome->usage.ru_stime));
  put_number(out, "max_rss_kib", outcome->has_rss, outcome->usage.ru_maxrss);
  put_output(out, "stdout", result->output, result->noutput, flags & FE_RESULT_OUTPUT_CUT);
  put_output(out, "stderr", result->errors, result->nerrors, flags & FE_RESULT_ERRORS_CUT);
  put_bool(out, "held", (flags & FE_RESULT_HELD) != 0);
  put_error(out, job, outcome);
  fputs("}\n", out);
  if (fclose(out) != 0) DIE("%s", strerror(ENOMEM));
  if (!write_all(fd, text, size)) DIE("--json: %s", strerror(errno));
  free(text);
}
