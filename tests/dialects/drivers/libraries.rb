# libraries.rb PARSER [FOLDER]: readers in Ruby. Paths come in, a JSON line each goes out.
require "json"
parser, folder = ARGV
$LOAD_PATH.unshift(folder) if folder
require parser == "foreman" ? "foreman/env" : "dotenv"
ENVIRON = ENV.to_h

def variables(parser, file)
  return Dotenv.load(file).to_h unless parser == "foreman"

  found = {}
  Foreman::Env.new(file).entries { |name, value| found[name] = value }
  found
end

def text(value)
  value&.to_s&.dup&.force_encoding("UTF-8")&.scrub
end

STDIN.each_line(chomp: true) do |file|
  ENV.replace(ENVIRON)
  answer = begin
    { vars: variables(parser, file).to_h { |name, value| [text(name), text(value)] } }
  rescue StandardError, SyntaxError => e
    { error: e.class.to_s }
  end
  puts JSON.generate(answer, ascii_only: true)
  STDOUT.flush
end
