// SPDX-License-Identifier: MIT
// Fetch URL FILE: one GET by java.net.http.HttpClient, which reads no proxy variable.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;

class Fetch {
    public static void main(String[] args) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(args[0])).build();
        var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofFile(Path.of(args[1])));
        if (response.statusCode() != 200) throw new Exception("status " + response.statusCode());
    }
}
