// SPDX-License-Identifier: MIT
// Http OUT URL...: all of them at once, into files in the directory OUT, by java.net.http.HttpClient
// on one thread beside its selector's (by default it has as many as it likes: they would overlap anyway).
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;

class Http {
    public static void main(String[] args) throws Exception {
        var executor = Executors.newSingleThreadExecutor();
        var client = HttpClient.newBuilder().executor(executor).followRedirects(Redirect.ALWAYS).build();
        var running = new ArrayList<CompletableFuture<HttpResponse<Path>>>();
        for (int i = 1; i < args.length; i++) {
            var file = Path.of(args[0], args[i].substring(args[i].lastIndexOf('/') + 1));
            var request = HttpRequest.newBuilder(URI.create(args[i])).build();
            running.add(client.sendAsync(request, BodyHandlers.ofFile(file)));
        }
        try {
            for (var one : running)
                if (one.get().statusCode() != 200) throw new Exception("status " + one.get().statusCode());
        } finally {
            executor.shutdownNow();
        }
    }
}
