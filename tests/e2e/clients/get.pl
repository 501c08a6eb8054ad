# SPDX-License-Identifier: MIT
# get.pl URL FILE: one GET by HTTP::Tiny, which comes with Perl and obeys the environment.
use strict;
use warnings;
use HTTP::Tiny;

my ($url, $path) = @ARGV;
my $answer = HTTP::Tiny->new->mirror($url, $path);
die "$answer->{status} $answer->{content}\n" unless $answer->{success};
