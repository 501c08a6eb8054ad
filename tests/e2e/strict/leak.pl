#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Tries what a Perl program can try, and prints what came of it.
use strict;
use warnings;
use Socket qw(:all);

sub udp {
    my ($connected) = @_;
    socket(my $sock, PF_INET, SOCK_DGRAM, 0) or return $!;
    my $far = pack_sockaddr_in(53, inet_aton("203.0.113.5"));
    return defined send($sock, "x", 0, $far) ? "sent" : $! unless $connected;
    connect($sock, $far) or return $!;
    return syswrite($sock, "x") ? "sent" : $!;
}

sub tcp {
    socket(my $sock, PF_INET, SOCK_STREAM, 0) or return $!;
    return connect($sock, pack_sockaddr_in(443, inet_aton("10.1.2.3"))) ? "connected" : $!;
}

print "udp ", udp(0), "\nudp ", udp(1), "\ntcp ", tcp(), "\n";
my ($error) = getaddrinfo("x.test", 9000, {socktype => SOCK_STREAM});
print "name $error\n";
