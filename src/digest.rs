//! Content → entity-tag.
//!
//! # The recipe, a compatibility promise
//!
//! The opaque-tag of some content is the first 128 bits of its BLAKE3 hash, in base64url without padding
//! (RFC 4648 §5): 22 characters. Nothing but the content goes in: the same bytes have the same tag on every
//! replica, platform and release. With a tag key the hash is BLAKE3's keyed mode, and its 32-byte key is
//! BLAKE3's key derivation with the context `notmodified 2026-11-22 entity-tag key` from the bytes of the
//! tag key; then only who knows the key can compute tags.
//!
//! Where volatile regions are masked ([`crate::volatile`]), the content is hashed without them; then, in BLAKE3's
//! key derivation with the context `notmodified 2026-11-24 entity-tag of masked content`, for each region in
//! order: how many bytes of other content are before it (8 bytes), what kind it is (1), how long what it stands
//! for is (4), and that itself; at last the 32 bytes of the first hash. Numbers are little-endian. So two pages
//! have one tag only if they are the same but for regions of the same kinds, at the same places, that stand for
//! the same.
//!
//! A change of this recipe would make every client fetch everything once more. It is a breaking change.

use std::fmt;

use crate::http::entity_tag::EntityTag;

const KEY_CONTEXT: &str = "notmodified 2026-11-22 entity-tag key";

const MASKED_CONTEXT: &str = "notmodified 2026-11-24 entity-tag of masked content";

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Characters of an opaque-tag that we make.
pub const LENGTH: usize = 22;

/// A key for tags, so that outsiders can't compute the tag of content that they guess.
#[derive(Clone, PartialEq, Eq)]
pub struct TagKey([u8; 32]);

impl TagKey {
    /// The key derived from these bytes, of which there should be at least 16 secret ones.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        Self(blake3::derive_key(KEY_CONTEXT, secret))
    }
}

/// Says nothing of the key.
impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKey(…)")
    }
}

/// The opaque-tag of some content, quotes included: ready to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(align(8))] // to be looked through word by word
pub struct ContentTag([u8; LENGTH + 2]);

impl ContentTag {
    /// The tag of a body that is all there.
    #[must_use]
    pub fn of(body: &[u8], key: Option<&TagKey>) -> Self {
        Self::from_hash(&match key {
            None => blake3::hash(body),
            Some(TagKey(key)) => blake3::keyed_hash(key, body),
        })
    }

    fn from_hash(hash: &blake3::Hash) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&hash.as_bytes()[..16]);
        let mut bits = u128::from_be_bytes(first);
        let mut quoted = [b'"'; LENGTH + 2];
        for octet in &mut quoted[1..=LENGTH] {
            *octet = BASE64URL[(bits >> 122) as usize];
            bits <<= 6;
        }
        Self(quoted)
    }

    /// Is it the tag, made without a key, of what has this BLAKE3 hash?
    #[must_use]
    pub fn is_of(&self, hash: &blake3::Hash) -> bool {
        *self == Self::from_hash(hash)
    }

    /// As an entity-tag, strong or weak.
    #[must_use]
    pub fn entity_tag(&self, weak: bool) -> EntityTag<'_> {
        EntityTag::of_etagc(&self.0[1..=LENGTH], weak)
    }

    /// The strong entity-tag as it stands in a field.
    #[must_use]
    pub fn as_field(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The 22 characters.
    #[must_use]
    pub fn opaque(&self) -> &str {
        std::str::from_utf8(&self.0[1..=LENGTH]).unwrap_or_default()
    }
}

/// The tag of content that comes piece by piece.
#[derive(Clone)]
pub struct Digester(blake3::Hasher);

impl Digester {
    /// Start with no content.
    #[must_use]
    pub fn new(key: Option<&TagKey>) -> Self {
        Self(match key {
            None => blake3::Hasher::new(),
            Some(TagKey(key)) => blake3::Hasher::new_keyed(key),
        })
    }

    /// Add the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The tag of all pieces together.
    #[must_use]
    pub fn finish(&self) -> ContentTag {
        ContentTag::from_hash(&self.0.finalize())
    }
}

/// Pieces shorter than this are put together before they are hashed: BLAKE3 is several times as quick on many of
/// its chunks of 1 KiB at once.
const AT_ONCE: usize = 64 << 10;

/// The tag of content in which regions are replaced by what they stand for.
pub struct MaskedDigester {
    content: Digester,
    /// What waits to be hashed, less than [`AT_ONCE`].
    pending: Vec<u8>,
    length: u64,
    regions: blake3::Hasher,
}

impl MaskedDigester {
    /// Start with no content.
    #[must_use]
    pub fn new(key: Option<&TagKey>) -> Self {
        Self {
            content: Digester::new(key),
            pending: Vec::new(),
            length: 0,
            regions: blake3::Hasher::new_derive_key(MASKED_CONTEXT),
        }
    }

    /// Add the next piece of content.
    pub fn update(&mut self, mut piece: &[u8]) {
        self.length += piece.len() as u64;
        while !piece.is_empty() {
            let room = AT_ONCE - self.pending.len();
            if piece.len() < room {
                self.pending.extend_from_slice(piece);
                return;
            }
            let (now, later) = piece.split_at(room);
            if self.pending.is_empty() {
                self.content.update(now);
            } else {
                self.pending.extend_from_slice(now);
                self.content.update(&self.pending);
                self.pending.clear();
            }
            piece = later;
        }
    }

    /// Add a region of a kind, by what it stands for.
    pub fn region(&mut self, kind: u8, stands_for: &[u8]) {
        self.regions.update(&self.length.to_le_bytes());
        self.regions.update(&[kind]);
        self.regions.update(&u32::try_from(stands_for.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.regions.update(stands_for);
    }

    /// The tag of it all.
    #[must_use]
    pub fn finish(mut self) -> ContentTag {
        self.content.update(&self.pending);
        self.regions.update(self.content.0.finalize().as_bytes());
        ContentTag::from_hash(&self.regions.finalize())
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn tag(body: &[u8]) -> String {
        ContentTag::of(body, None).entity_tag(false).to_string()
    }

    #[test]
    fn the_recipe_is_the_promised_one() {
        // BLAKE3 of nothing is af1349b9f5f9a1a6a0404dea36dcc949…, from BLAKE3's own test vectors.
        let expected = URL_SAFE_NO_PAD.encode(0xaf13_49b9_f5f9_a1a6_a040_4dea_36dc_c949_u128.to_be_bytes());
        assert_eq!(tag(b""), format!("\"{expected}\""));
        assert_eq!(tag(b"notmodified"), "\"EkuLqFZssAeTzMH5WjH89A\"");
        let key = TagKey::derive(b"sixteen bytes or more");
        assert_eq!(
            ContentTag::of(b"notmodified", Some(&key)).entity_tag(true).to_string(),
            "W/\"bW498o-thd_2eW0K2eNORQ\""
        );
    }

    #[test]
    fn masked_content_is_hashed_as_one_however_it_comes() {
        let content: Vec<u8> = (0..4 * AT_ONCE + 5).map(|at| at.to_le_bytes()[at % 3]).collect();
        let tag = |size: usize| {
            let mut digester = MaskedDigester::new(None);
            content.chunks(size).for_each(|piece| digester.update(piece));
            digester.finish()
        };
        let mut regions = blake3::Hasher::new_derive_key(MASKED_CONTEXT);
        regions.update(blake3::hash(&content).as_bytes());
        for size in [1, 1000, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE, content.len()] {
            assert_eq!(tag(size), ContentTag::from_hash(&regions.finalize()), "{size}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_tag_is_base64url_of_the_first_half_of_the_hash(body: Vec<u8>) {
            let half = URL_SAFE_NO_PAD.encode(&blake3::hash(&body).as_bytes()[..16]);
            let tag = ContentTag::of(&body, None);
            proptest::prop_assert_eq!(tag.opaque(), half);
        }

        #[test]
        fn pieces_and_the_whole_have_one_tag(body: Vec<u8>, cuts: Vec<proptest::sample::Index>, key: Option<[u8; 16]>) {
            let key = key.map(|secret| TagKey::derive(&secret));
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            cuts.sort_unstable();
            let mut digester = Digester::new(key.as_ref());
            let mut from = 0;
            for cut in cuts {
                digester.update(&body[from..cut]);
                from = cut;
            }
            digester.update(&body[from..]);
            proptest::prop_assert_eq!(digester.finish(), ContentTag::of(&body, key.as_ref()));
        }
    }
}
