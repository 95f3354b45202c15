# HTTP::Tiny of Perl asks a host
use HTTP::Tiny;
my $answer = HTTP::Tiny->new(verify_SSL => 1)->get($ARGV[0], {headers => {Authorization => "Bearer $ENV{SHOP_KEY}"}});
print $answer->{content};
