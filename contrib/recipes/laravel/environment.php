<?php
// bootstrap/app.php, before `return $app;`: .env is read from the view of a level
$app->useEnvironmentPath(getenv('SHOP_VIEW') ?: '/mnt/envfs/shop/prod');
