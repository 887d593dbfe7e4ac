//! PEM (RFC 7468), read strictly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A block: its label and what stood in it. Wiped from memory when dropped, since it may be a key.
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// Reads a text of PEM blocks with nothing but white space around them; `None` for anything else.
pub(super) fn decode(text: &str) -> Option<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut rest = text.trim_matches(is_space);
    while !rest.is_empty() {
        let (label, after) = rest.strip_prefix("-----BEGIN ")?.split_once("-----")?;
        let (body, after) = after.split_once("-----END ")?;
        let after = after.strip_prefix(label)?.strip_prefix("-----")?;
        blocks.push(Block {
            label,
            der: decode_base64(body)?,
        });
        rest = after.trim_start_matches(is_space);
    }
    Some(blocks)
}

/// Reads base64 with white space in it; `None` for anything else.
pub(super) fn decode_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // With all its room from the start, the text is never moved and leaves no copy behind.
    let mut digits = Zeroizing::new(String::with_capacity(text.len()));
    digits.extend(text.chars().filter(|char| !is_space(*char)));
    let mut octets = Zeroizing::new(vec![0; digits.len() / 4 * 3 + 3]);
    let length = STANDARD
        .decode_slice(digits.as_bytes(), octets.as_mut_slice())
        .ok()?;
    octets.truncate(length);
    Some(octets)
}

/// Writes a block, with a line break at its end.
pub(super) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let digits = Zeroizing::new(STANDARD.encode(der));
    let framing = 2 * label.len() + 64;
    let mut text = Zeroizing::new(String::with_capacity(
        digits.len() + digits.len() / LINE_LEN + framing,
    ));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE_LEN));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

const fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\r' | '\n')
}

/// The label of a certificate.
pub(super) const CERTIFICATE: &str = "CERTIFICATE";

/// The label of a private key in PKCS #8.
pub(super) const PRIVATE_KEY: &str = "PRIVATE KEY";

const LINE_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for length in [0, 1, 47, 48, 49, 1000] {
            let octets: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let text = format!("\r\n {}\n\n{}", *encode("A", &octets), *encode("B C", b"x"));
            let blocks = decode(&text).unwrap();
            assert_eq!(*blocks[0].der, octets);
            assert_eq!(
                (blocks[1].label, blocks[1].der.as_slice()),
                ("B C", &b"x"[..])
            );
        }
    }

    #[test]
    fn anything_beside_the_blocks_is_refused() {
        let good = encode("A", b"octets");
        for bad in [
            format!("x{}", *good),
            format!("{}x", *good),
            format!("{}-----BEGIN A-----", *good),
            good.replace("END A", "END B"),
            good.replace("BEGIN A-----\n", "BEGIN A-----\nProc-Type: 4,ENCRYPTED\n"),
            good.replace("-----END A-----", ""),
        ] {
            assert!(decode(&bad).is_none(), "{bad}");
        }
    }
}
