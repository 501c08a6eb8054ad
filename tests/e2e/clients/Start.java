// SPDX-License-Identifier: MIT

/** Start COMMAND…: starts it with a ProcessBuilder, whose environment is left alone. */
public class Start {
    public static void main(String[] arguments) throws Exception {
        System.exit(new ProcessBuilder(arguments).inheritIO().start().waitFor());
    }
}
