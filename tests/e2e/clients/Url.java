// SPDX-License-Identifier: MIT
// Url URL FILE: one GET by java.net.HttpURLConnection, which blocks and reads no proxy variable.
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

class Url {
    public static void main(String[] args) throws Exception {
        try (var body = URI.create(args[0]).toURL().openStream()) {
            Files.copy(body, Path.of(args[1]));
        }
    }
}
