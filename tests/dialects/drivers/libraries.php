<?php // libraries.php PARSER [PHP_LIBRARIES]: readers in PHP. Paths come in, a JSON line each goes out.
error_reporting(E_ALL & ~E_DEPRECATED);
ini_set('display_errors', 'stderr');
[, $parser, $newer] = $argv + [2 => '/usr/share/php'];

@include_once 'Symfony/Component/Process/autoload.php'; // with it, symfony would run what stands in $( )
if (str_starts_with($parser, 'symfony')) {
    require "$newer/Symfony/Component/Dotenv/autoload.php";
} else {
    spl_autoload_register(function (string $class) use ($newer): void {
        $path = "$newer/" . strtr($class, '\\', '/') . '.php';
        if (str_starts_with($class, 'Dotenv\\') && is_file($path)) {
            require $path;
        }
    });
    require '/usr/share/php/Dotenv/autoload.php'; // what it needs from others
}

function variables(string $parser, string $file): array
{
    $_ENV = [];
    $_SERVER = ['DEFINED' => 'elsewhere'];
    if (str_starts_with($parser, 'symfony')) {
        return (new Symfony\Component\Dotenv\Dotenv())->parse(file_get_contents($file), $file);
    }
    return Dotenv\Dotenv::createImmutable(dirname($file), basename($file))->load();
}

while (($line = fgets(STDIN)) !== false) {
    try {
        $answer = ['vars' => (object) variables($parser, rtrim($line, "\n"))];
    } catch (Throwable $error) {
        $answer = ['error' => get_class($error)];
    }
    echo json_encode($answer, JSON_INVALID_UTF8_SUBSTITUTE), "\n";
}
