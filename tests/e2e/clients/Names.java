// SPDX-License-Identifier: MIT
// Names HOST PATH: the names that InetAddress has for HOST, then GETs PATH on port 80 of it.
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;

public class Names {
    public static void main(String[] args) throws Exception {
        InetAddress byName = InetAddress.getByName(args[0]);
        InetAddress byAddress = InetAddress.getByAddress(byName.getAddress());
        System.out.println(byName.getHostName() + " " + byAddress.getHostName() + " " + byAddress.getCanonicalHostName());
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(byName, 80), 30000);
            OutputStream out = socket.getOutputStream();
            out.write(("GET " + args[1] + " HTTP/1.0\r\nHost: " + args[0] + "\r\n\r\n").getBytes());
            System.out.write(socket.getInputStream().readAllBytes());
            System.out.flush();
        }
    }
}
