// SPDX-License-Identifier: MIT
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;

/** Tries what a Java program can try, and prints what came of it. */
public class Leak {
    interface Attempt {
        Object run() throws Exception;
    }

    static void attempt(String what, Attempt attempt) {
        try {
            System.out.println(what + " " + attempt.run());
        } catch (Exception error) {
            System.out.println(what + " " + error);
        }
    }

    static Object tcp(String host, int port) throws Exception {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(host, port), 2000);
            return "connected";
        }
    }

    public static void main(String[] args) {
        InetSocketAddress far = new InetSocketAddress("203.0.113.5", 53);
        attempt("tcp", () -> tcp("10.1.2.3", 443));
        attempt("tcp", () -> tcp("203.0.113.5", 9000));
        attempt("tcp", () -> tcp("x.test", 9000));
        attempt("udp", () -> {
            try (DatagramSocket socket = new DatagramSocket()) {
                socket.send(new DatagramPacket(new byte[1], 1, far));
                return "sent";
            }
        });
        attempt("channel", () -> {
            try (DatagramChannel channel = DatagramChannel.open()) {
                channel.connect(far);
                return channel.write(ByteBuffer.allocate(1));
            }
        });
        attempt("name", () -> InetAddress.getByName("x.test"));
    }
}
