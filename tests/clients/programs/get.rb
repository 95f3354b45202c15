# Ruby's Net::HTTP asks a host
require "net/http"
require "uri"
uri = URI(ARGV[0])
Net::HTTP.start(uri.host, uri.port, use_ssl: true) do |http|
  puts http.get(uri.request_uri, "Authorization" => "Bearer " + ENV["SHOP_KEY"]).body
end
