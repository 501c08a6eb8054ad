// SPDX-License-Identifier: MIT
// Nio OUT URL...: all of them at once, into files in the directory OUT, by one java.nio Selector.
// http:// only; a 302 leads to the same URL.
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

class Nio {
    static class Download {
        final URI url;
        final Path file;
        ByteBuffer request;
        ByteArrayOutputStream answer;

        Download(String out, String text) {
            url = URI.create(text);
            file = Path.of(out, text.substring(text.lastIndexOf('/') + 1));
        }

        void start(Selector selector) throws Exception {
            var text = "GET " + url.getPath() + " HTTP/1.0\r\nHost: " + url.getHost() + "\r\n\r\n";
            request = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
            answer = new ByteArrayOutputStream();
            var channel = SocketChannel.open();
            channel.configureBlocking(false);
            var port = url.getPort() < 0 ? 80 : url.getPort();
            boolean done = channel.connect(new InetSocketAddress(url.getHost(), port));
            channel.register(selector, done ? SelectionKey.OP_WRITE : SelectionKey.OP_CONNECT, this);
        }

        // True if it is over.
        boolean step(SelectionKey key) throws Exception {
            var channel = (SocketChannel) key.channel();
            if (key.isConnectable() && channel.finishConnect()) {
                key.interestOps(SelectionKey.OP_WRITE);
            } else if (key.isWritable()) {
                channel.write(request);
                if (!request.hasRemaining()) key.interestOps(SelectionKey.OP_READ);
            } else if (key.isReadable()) {
                var buffer = ByteBuffer.allocate(65536);
                int count = channel.read(buffer);
                if (count > 0) answer.write(buffer.array(), 0, count);
                if (count < 0) {
                    channel.close();
                    return finish(key.selector());
                }
            }
            return false;
        }

        boolean finish(Selector selector) throws Exception {
            var text = answer.toString(StandardCharsets.ISO_8859_1);
            if (text.startsWith("HTTP/1.1 302 ")) {
                start(selector);
                return false;
            }
            if (!text.startsWith("HTTP/1.1 200 ")) throw new Exception(url + ": " + text);
            var body = text.substring(text.indexOf("\r\n\r\n") + 4);
            Files.write(file, body.getBytes(StandardCharsets.ISO_8859_1));
            return true;
        }
    }

    public static void main(String[] args) throws Exception {
        var selector = Selector.open();
        int running = 0;
        for (int i = 1; i < args.length; i++, running++) new Download(args[0], args[i]).start(selector);
        while (running > 0) {
            selector.select();
            for (var key : selector.selectedKeys())
                if (((Download) key.attachment()).step(key)) running--;
            selector.selectedKeys().clear();
        }
    }
}
