# SPDX-License-Identifier: MIT
# get.rb net-http|open-uri URL FILE: one GET, with the proxy of the environment.
require "net/http"
require "open-uri"

def by_net_http(uri, path)
  Net::HTTP.start(uri.hostname, uri.port, use_ssl: uri.scheme == "https") do |http|
    http.request_get(uri.request_uri) do |response|
      response.value # raises what is not a success
      File.open(path, "wb") { |file| response.read_body(file) }
    end
  end
end

def by_open_uri(uri, path)
  uri.open { |body| IO.copy_stream(body, path) }
end

library, url, path = ARGV
library == "net-http" ? by_net_http(URI(url), path) : by_open_uri(URI(url), path)
