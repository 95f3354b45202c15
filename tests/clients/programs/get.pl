# LWP of Perl asks a host, by the proxy of the environment where it is told to look there
use LWP::UserAgent;
my $agent = LWP::UserAgent->new(env_proxy => 1);
my $answer = $agent->get($ARGV[0], Authorization => "Bearer $ENV{SHOP_KEY}");
print $answer->decoded_content;
