// SPDX-License-Identifier: MIT

// showcgo NAME...: prints NAME=value for each that libc's getenv() knows. Go, linked with libc.
package main

// #include <stdlib.h>
import "C"

import (
	"fmt"
	"os"
)

func main() {
	for _, name := range os.Args[1:] {
		if value := C.getenv(C.CString(name)); value != nil {
			fmt.Printf("%s=%s\n", name, C.GoString(value))
		}
	}
}
