<?php // PHP's curl asks a host
$curl = curl_init($argv[1]);
curl_setopt($curl, CURLOPT_HTTPHEADER, ["Authorization: Bearer " . getenv("SHOP_KEY")]);
if (curl_exec($curl) === false) echo curl_error($curl);
