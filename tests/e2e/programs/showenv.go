// SPDX-License-Identifier: MIT

// showenv NAME…: one line "NAME=value" for each NAME that is set, as Go has it: from the stack
// that the kernel made at exec, without libc.
package main

import (
	"fmt"
	"os"
)

func main() {
	for _, name := range os.Args[1:] {
		if value, ok := os.LookupEnv(name); ok {
			fmt.Printf("%s=%s\n", name, value)
		}
	}
}
