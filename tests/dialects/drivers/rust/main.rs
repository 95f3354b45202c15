// dotenvy: a reader in Rust. Paths come in, a JSON line each goes out.
use std::io::BufRead;

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for sign in text.chars() {
        match sign {
            '"' | '\\' => out.extend(['\\', sign]),
            sign if sign.is_control() => out.push_str(&format!("\\u{:04x}", sign as u32)),
            sign => out.push(sign),
        }
    }
    out.push('"');
    out
}

// as dotenvy::from_path sets them: the first of a name stays
fn variables(path: &str) -> Result<Vec<(String, String)>, dotenvy::Error> {
    let mut found: Vec<(String, String)> = vec![];
    for item in dotenvy::from_path_iter(path)? {
        let (name, value) = item?;
        if !found.iter().any(|pair| pair.0 == name) {
            found.push((name, value));
        }
    }
    Ok(found)
}

fn main() {
    for path in std::io::stdin().lock().lines() {
        match variables(&path.unwrap()) {
            Ok(found) => {
                let pairs: Vec<String> = found.iter().map(|(name, value)| format!("{}:{}", quoted(name), quoted(value))).collect();
                println!("{{\"vars\":{{{}}}}}", pairs.join(","));
            }
            Err(_) => println!("{{\"error\":\"refused\"}}"),
        }
    }
}
