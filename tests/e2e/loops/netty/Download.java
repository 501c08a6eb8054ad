// SPDX-License-Identifier: MIT
// Download nio|epoll OUT URL...: all of them at once, into files in the directory OUT, by Netty on one
// thread. http:// only; a 302 leads to the same URL.
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

class Download extends SimpleChannelInboundHandler<ByteBuf> {
    static Bootstrap bootstrap;
    static String out;

    final URI url;
    final CompletableFuture<Void> result;
    final ByteArrayOutputStream answer = new ByteArrayOutputStream();

    Download(URI url, CompletableFuture<Void> result) {
        this.url = url;
        this.result = result;
    }

    static void start(URI url, CompletableFuture<Void> result) {
        var handler = new ChannelInitializer<Channel>() {
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new Download(url, result));
            }
        };
        int port = url.getPort() < 0 ? 80 : url.getPort();
        bootstrap.clone().handler(handler).connect(url.getHost(), port).addListener(done -> {
            if (!done.isSuccess()) result.completeExceptionally(done.cause());
        });
    }

    public void channelActive(ChannelHandlerContext context) {
        var text = "GET " + url.getPath() + " HTTP/1.0\r\nHost: " + url.getHost() + "\r\n\r\n";
        context.writeAndFlush(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
    }

    protected void channelRead0(ChannelHandlerContext context, ByteBuf data) throws Exception {
        data.readBytes(answer, data.readableBytes());
    }

    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        result.completeExceptionally(cause);
        context.close();
    }

    public void channelInactive(ChannelHandlerContext context) throws Exception {
        var text = answer.toString(StandardCharsets.ISO_8859_1);
        if (text.startsWith("HTTP/1.1 302 ")) {
            start(url, result);
        } else if (text.startsWith("HTTP/1.1 200 ")) {
            var name = url.getPath().substring(url.getPath().lastIndexOf('/') + 1);
            var body = text.substring(text.indexOf("\r\n\r\n") + 4);
            Files.write(Path.of(out, name), body.getBytes(StandardCharsets.ISO_8859_1));
            result.complete(null);
        } else {
            result.completeExceptionally(new Exception(url + ": " + text));
        }
    }

    public static void main(String[] args) throws Exception {
        boolean nio = args[0].equals("nio");
        out = args[1];
        var factory = nio ? NioIoHandler.newFactory() : EpollIoHandler.newFactory();
        var group = new MultiThreadIoEventLoopGroup(1, factory);
        bootstrap = new Bootstrap().group(group);
        bootstrap.channel(nio ? NioSocketChannel.class : EpollSocketChannel.class);
        var results = new CompletableFuture<?>[args.length - 2];
        for (int i = 2; i < args.length; i++) {
            var result = new CompletableFuture<Void>();
            results[i - 2] = result;
            start(URI.create(args[i]), result);
        }
        try {
            CompletableFuture.allOf(results).get();
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }
}
