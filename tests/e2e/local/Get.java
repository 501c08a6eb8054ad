// SPDX-License-Identifier: MIT
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Get URL...: prints what each URL holds, or why there is nothing. */
public class Get {
    public static void main(String[] urls) {
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        for (String url : urls) {
            try {
                HttpRequest request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofMinutes(1)).build();
                HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
                System.out.print(response.statusCode() == 200 ? response.body() : url + " " + response.statusCode() + "\n");
            } catch (Exception error) {
                System.out.println(url + " " + error);
            }
        }
    }
}
