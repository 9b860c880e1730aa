// SPDX-License-Identifier: BSD-3-Clause

// A peer of the benchmark in Go. See others.c for what it is asked.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

func spawn(program string) bool {
	path := program
	if !strings.Contains(program, "/") {
		var err error
		if path, err = exec.LookPath(program); err != nil {
			return false
		}
	}
	attr := &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}}
	process, err := os.StartProcess(path, []string{program}, attr)
	if err != nil {
		return false
	}
	state, err := process.Wait()
	return err == nil && state.Success()
}

func main() {
	var count int
	var program string
	fmt.Printf("%s, os.StartProcess\n", runtime.Version())
	for {
		if _, err := fmt.Scan(&count, &program); err != nil {
			return
		}
		failures := 0
		begun := time.Now()
		for i := 0; i < count; i++ {
			if !spawn(program) {
				failures++
			}
		}
		fmt.Println(time.Since(begun).Nanoseconds(), failures)
	}
}
