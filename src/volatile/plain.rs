//! Masking once more, read off the documentation and with no thought of speed: what the tests and the fuzz
//! target `masking` compare with. Patterns are left to the engine; what is to be shown of them is what becomes
//! of what they find.

/// The BLAKE3 hash that the tag of some content begins; `None` where nothing is masked.
///
/// `regions` are those of patterns, `nonces` those of `policies`, which are the fields `name`, NUL, `value` with a
/// NUL and a number for each nonce.
pub(crate) fn masked(
    content: &[u8],
    django: bool,
    flask: Option<u32>,
    nonces: &[&[u8]],
    policies: &[&[u8]],
    patterns: &[(usize, usize)],
) -> Option<[u8; 32]> {
    // (start, end, kind, what it stands for)
    let mut regions: Vec<(usize, usize, u8, Vec<u8>)> = Vec::new();
    let is_token = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_.".contains(octet);
    let mut start = 0;
    while start < content.len() {
        let length = content[start..].iter().take_while(|octet| is_token(octet)).count();
        let end = start + length;
        let near =
            [&content[start.saturating_sub(128)..start], b"|", &content[end..content.len().min(end + 128)]];
        if near.concat().to_ascii_lowercase().windows(4).any(|letters| letters == b"csrf") {
            let text = std::str::from_utf8(&content[start..end]).expect("ASCII");
            if django && length == 64 && text.bytes().all(|octet| octet.is_ascii_alphanumeric()) {
                regions.push((start, end, 1, secret(text)));
            } else if let Some(lifetime) = flask.filter(|_| length >= 64)
                && let Some((value, made_at)) = signed(text)
            {
                let period = (u64::from(lifetime) / 2).max(1);
                regions.push((start, end, 2, [&(made_at / period).to_le_bytes(), value.as_bytes()].concat()));
            }
        }
        start = end + 1;
    }
    for (number, nonce) in (0_u32..).zip(nonces) {
        let mut from = 0;
        while from + nonce.len() <= content.len() {
            if content[from..].starts_with(nonce) {
                regions.push((from, from + nonce.len(), 3, number.to_le_bytes().to_vec()));
                from += nonce.len();
            } else {
                from += 1;
            }
        }
    }
    regions.extend(patterns.iter().map(|(start, end)| (*start, *end, 0, Vec::new())));
    if regions.is_empty() && nonces.is_empty() {
        return None;
    }
    regions.sort_by_key(|(start, ..)| *start);

    let is_masked = |at: usize| regions.iter().any(|(start, end, ..)| (*start..*end).contains(&at));
    let left_before = |place: usize| (0..place).filter(|at| !is_masked(*at)).count() as u64;
    let left: Vec<u8> =
        content.iter().enumerate().filter(|(at, _)| !is_masked(*at)).map(|(_, octet)| *octet).collect();
    let mut described = Vec::new();
    let mut describe = |before: u64, kind: u8, stands_for: &[u8]| {
        described.extend(before.to_le_bytes());
        described.push(kind);
        described.extend(u32::try_from(stands_for.len()).expect("short").to_le_bytes());
        described.extend(stands_for);
    };
    for (start, _, kind, stands_for) in &regions {
        describe(left_before(*start), *kind, stands_for);
    }
    for policy in policies {
        describe(left.len() as u64, 4, policy);
    }
    described.extend(blake3::hash(&left).as_bytes());
    Some(blake3::derive_key("notmodified 2026-11-24 entity-tag of masked content", &described))
}

/// What Django's `_unmask_cipher_token` does.
fn secret(token: &str) -> Vec<u8> {
    let alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let index = |letter| alphabet.find(letter).expect("a letter or digit");
    let (mask, cipher) = token.split_at(32);
    let pairs = mask.chars().zip(cipher.chars());
    pairs.map(|(mask, cipher)| alphabet.as_bytes()[(index(cipher) + 62 - index(mask)) % 62]).collect()
}

/// The value and time of what itsdangerous signed with a time and HMAC-SHA-1.
fn signed(text: &str) -> Option<(&str, u64)> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut parts = text.rsplitn(3, '.');
    let (signature, time, value) = (parts.next()?, parts.next()?, parts.next()?);
    if signature.len() != 27 || time.len() != 6 || value.is_empty() {
        return None;
    }
    let number = time.chars().map(|letter| alphabet.find(letter).expect("of base64url") as u64);
    Some((value, number.fold(0, |number, sextet| number * 64 + sextet) / 16))
}

/// The opaque-tag that such a hash makes.
pub(crate) fn opaque(hash: &[u8; 32]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bit = |place: usize| place < 128 && hash[place / 8] >> (7 - place % 8) & 1 == 1;
    let sextet = |place: usize| (0..6).fold(0, |number, at| number * 2 + usize::from(bit(6 * place + at)));
    (0..22).map(|place| char::from(alphabet[sextet(place)])).collect()
}
