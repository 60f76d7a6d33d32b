//! What an envelope promises: it opens where it was sealed and nowhere else, unchanged or not at all.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
use huntzen_tenancy::ids::{CompanyId, UserId};
use proptest::prelude::*;

use super::*;
use crate::OsRandomness;

const ONE: &str = "1:0101010101010101010101010101010101010101010101010101010101010101";
const TWO: &str = "2:0202020202020202020202020202020202020202020202020202020202020202";

fn vault(ring: &str) -> XChaChaVault {
    XChaChaVault::new(KeyRing::parse(ring).unwrap(), Arc::new(OsRandomness))
}

fn person(number: u128) -> KeySubject {
    KeySubject::Person(UserId(Uuid::from_u128(number)))
}

fn place(row: u128) -> Place {
    Place::new("journal_entries", "content", Uuid::from_u128(row)).within(CompanyId(Uuid::from_u128(7))).at_version(2)
}

/// XChaCha20-Poly1305 as published: draft-irtf-cfrg-xchacha-03, appendix A.3.1.
#[test]
fn the_published_vector_holds() {
    let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
    let key: [u8; KEY] = std::array::from_fn(|at| 0x80 + u8::try_from(at).unwrap());
    let mut envelope: Vec<u8> = (0x40..0x58).collect();
    envelope.extend(hex(concat!(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb",
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452",
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
        "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49",
    )));
    let plain = decrypt(&key, &hex("50515253c0c1c2c3c4c5c6c7"), &envelope).unwrap();
    assert!(plain.starts_with(b"Ladies and Gentlemen of the class of '99"));
}

#[test]
fn it_opens_nowhere_but_at_its_place() {
    let vault = vault(ONE);
    let key = vault.generate(Uuid::from_u128(1), person(1)).unwrap();
    let sealed = vault.seal(&key, &place(1), b"un texte").unwrap();
    assert_eq!(vault.open(&key, &place(1), &sealed).unwrap().as_slice(), b"un texte");
    let elsewhere = [
        place(2),
        place(1).at_version(3),
        place(1).within(CompanyId(Uuid::from_u128(8))),
        Place { company: None, ..place(1) },
        Place { column: "tags", ..place(1) },
        Place { table: "messages", ..place(1) },
    ];
    for other in elsewhere {
        assert!(matches!(vault.open(&key, &other, &sealed), Err(SealingError::Tampered { .. })), "{other:?}");
    }
    let theirs = vault.generate(Uuid::from_u128(2), person(2)).unwrap();
    assert!(vault.open(&theirs, &place(1), &sealed).is_err());
    // The same key, passed off as somebody else's or under another id.
    let passed_off = [DataKey { subject: person(2), ..key.clone() }, DataKey { id: Uuid::from_u128(3), ..key.clone() }];
    for other in passed_off {
        assert!(vault.open(&other, &place(1), &sealed).is_err(), "{other:?}");
    }
}

#[test]
fn one_text_is_never_sealed_alike_twice() {
    let vault = vault(ONE);
    let key = vault.generate(Uuid::from_u128(1), person(1)).unwrap();
    assert_ne!(vault.seal(&key, &place(1), b"a").unwrap(), vault.seal(&key, &place(1), b"a").unwrap());
}

#[test]
fn the_highest_key_wraps_and_every_key_of_the_ring_reads() {
    let (old, both, new) = (vault(ONE), vault(&format!("{ONE},{TWO}")), vault(TWO));
    let key = old.generate(Uuid::from_u128(1), person(1)).unwrap();
    let sealed = old.seal(&key, &place(1), b"a").unwrap();
    assert_eq!((both.current(), both.ring()), (MasterKeyId(2), vec![MasterKeyId(2), MasterKeyId(1)]));
    assert_eq!(both.open(&key, &place(1), &sealed).unwrap().as_slice(), b"a");
    let rewrapped = both.rewrap(&key).unwrap();
    assert_eq!((rewrapped.master, rewrapped.id), (MasterKeyId(2), key.id));
    assert_eq!(new.open(&rewrapped, &place(1), &sealed).unwrap().as_slice(), b"a");
    assert!(matches!(new.open(&key, &place(1), &sealed), Err(SealingError::UnknownMasterKey(MasterKeyId(1)))));
    assert!(matches!(old.open(&rewrapped, &place(1), &sealed), Err(SealingError::UnknownMasterKey(MasterKeyId(2)))));
    let mislabelled = DataKey { master: MasterKeyId(2), ..key };
    assert!(matches!(both.open(&mislabelled, &place(1), &sealed), Err(SealingError::TamperedKey)));
}

#[test]
fn a_ring_is_read_or_refused() {
    assert_eq!(KeyRing::parse(&format!(" {TWO} , {ONE} ")).unwrap().ids(), [MasterKeyId(2), MasterKeyId(1)]);
    assert_eq!(KeyRing::parse(&ONE[2..]).unwrap().ids(), [MasterKeyId(1)]);
    assert_eq!(KeyRing::parse("").unwrap_err(), KeyRingError::Empty);
    assert_eq!(KeyRing::parse(&format!("{ONE},{ONE}")).unwrap_err(), KeyRingError::Repeated);
    for entry in ["1:", "0:00", &ONE[..64], "x:00", &format!("{ONE}00"), &ONE.replace("01", "0g")] {
        assert_eq!(KeyRing::parse(entry).unwrap_err(), KeyRingError::Entry, "{entry}");
    }
    let ring = KeyRing::parse(TWO).unwrap();
    assert_eq!(KeyRing::fresh_entry(Some(&ring), [1; KEY]).as_str(), ONE.replacen("1:", "3:", 1));
    assert_eq!(KeyRing::fresh_entry(None, [1; KEY]).as_str(), ONE);
    assert!(!format!("{ring:?}").contains("0202"));
}

proptest! {
    #[test]
    fn whatever_was_sealed_comes_back(text in ".{0,200}", row: u128) {
        let vault = vault(ONE);
        let key = vault.generate(Uuid::from_u128(1), person(1)).unwrap();
        let sealed = vault.seal(&key, &place(row), text.as_bytes()).unwrap();
        prop_assert_eq!(sealed.0.len(), text.len() + 57);
        let opened = vault.open(&key, &place(row), &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), text.as_bytes());
    }

    #[test]
    fn a_changed_bit_or_length_is_noticed(text in ".{0,60}", at: prop::sample::Index, bit in 0_u8..8, cut: prop::sample::Index) {
        let vault = vault(ONE);
        let key = vault.generate(Uuid::from_u128(1), person(1)).unwrap();
        let sealed = vault.seal(&key, &place(1), text.as_bytes()).unwrap();
        let mut flipped = sealed.clone();
        let at = at.index(flipped.0.len());
        flipped.0[at] ^= 1 << bit;
        prop_assert!(vault.open(&key, &place(1), &flipped).is_err());
        let shorter = Sealed(sealed.0[..cut.index(sealed.0.len())].to_vec());
        prop_assert!(vault.open(&key, &place(1), &shorter).is_err());
        let mut longer = sealed;
        longer.0.push(0);
        prop_assert!(vault.open(&key, &place(1), &longer).is_err());
        let mut other_key = key.clone();
        let at = cut.index(other_key.wrapped.len());
        other_key.wrapped[at] ^= 1 << bit;
        prop_assert!(vault.seal(&other_key, &place(1), b"a").is_err());
    }
}

/// Every way in which a stream of chunks can be spoiled shows.
mod streams {
    use huntzen_tenancy::sealing::{CHUNK_BYTES, OpeningStream, STREAM_HEADER_BYTES, SealingStream, TAG_BYTES};

    use super::*;

    const SEALED: usize = CHUNK_BYTES + TAG_BYTES;

    fn files(number: u128) -> KeySubject {
        KeySubject::Files(UserId(Uuid::from_u128(number)))
    }

    fn file(number: u128) -> Place {
        Place::new("files", "content", Uuid::from_u128(number))
    }

    fn sealed(key: &dyn UnlockedKey, place: &Place, plain: &[u8], portion: usize) -> Vec<u8> {
        let (mut stream, mut out) = (SealingStream::new(key, place).unwrap(), Vec::new());
        for part in plain.chunks(portion) {
            stream.push(part, &mut out).unwrap();
        }
        stream.finish(&mut out).unwrap();
        out
    }

    /// What comes out before the end, or before the first thing that is wrong; and whether all is well.
    fn opened(key: Box<dyn UnlockedKey>, place: &Place, bytes: &[u8], portion: usize) -> (Vec<u8>, bool) {
        let (mut stream, mut out) = (OpeningStream::new(key, *place), Vec::new());
        for part in bytes.chunks(portion) {
            if stream.push(part, &mut out).is_err() {
                return (out, false);
            }
        }
        let is_whole = stream.finish(&mut out).is_ok();
        (out, is_whole)
    }

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 253).unwrap()).collect()
    }

    #[test]
    fn a_stream_comes_back_however_it_is_portioned() {
        let vault = vault(ONE);
        let key = vault.generate(Uuid::from_u128(1), files(1)).unwrap();
        let unlocked = || vault.unlock(&key).unwrap();
        for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
            let plain = text(length);
            for portion in [1000, SEALED, 1_000_000] {
                let sealed = sealed(unlocked().as_ref(), &file(1), &plain, portion);
                let chunks = length.div_ceil(CHUNK_BYTES).max(1);
                assert_eq!(sealed.len(), STREAM_HEADER_BYTES + length + chunks * TAG_BYTES);
                assert!(opened(unlocked(), &file(1), &sealed, 777) == (plain.clone(), true), "{length} by {portion}");
            }
        }
    }

    #[test]
    fn a_spoiled_stream_never_ends_well() {
        let vault = vault(ONE);
        let key = vault.generate(Uuid::from_u128(1), files(1)).unwrap();
        let unlocked = || vault.unlock(&key).unwrap();
        let plain = text(3 * CHUNK_BYTES + 100);
        let genuine = sealed(unlocked().as_ref(), &file(1), &plain, 5000);
        let again = sealed(unlocked().as_ref(), &file(1), &plain, 5000);
        assert_ne!(genuine, again, "no two streams are alike");
        let (header, chunks) = genuine.split_at(STREAM_HEADER_BYTES);
        let chunks: Vec<&[u8]> = chunks.chunks(SEALED).collect();
        let built = |order: &[usize]| {
            let picked = order.iter().flat_map(|at| chunks[*at].iter().copied());
            header.iter().copied().chain(picked).collect::<Vec<u8>>()
        };
        assert_eq!(built(&[0, 1, 2, 3]), genuine);
        let mut spoiled = vec![built(&[]), built(&[3]), built(&[0, 1, 2, 3, 3])];
        // Cut between chunks, turned around, left out, repeated.
        spoiled.extend(
            [&[0][..], &[0, 1], &[0, 1, 2], &[1, 0, 2, 3], &[0, 2, 1, 3], &[0, 2, 3], &[0, 0, 1, 2, 3]].map(built),
        );
        // Cut within one, at its beginning and its end.
        for length in [0, 1, 17, STREAM_HEADER_BYTES, genuine.len() - 1, genuine.len() - 100, 40 + SEALED] {
            spoiled.push(genuine[..length].to_vec());
        }
        spoiled.push([genuine.clone(), vec![0]].concat());
        // Of another stream under the same key.
        let other = again.get(STREAM_HEADER_BYTES..).unwrap();
        spoiled.push([header, other].concat());
        spoiled.push([header, chunks[0], &other[SEALED..]].concat());
        for at in [0, 1, 16, 17, 35, 36, 36 + SEALED, genuine.len() - 1] {
            let mut flipped = genuine.clone();
            flipped[at] ^= 1;
            spoiled.push(flipped);
        }
        for (number, bytes) in spoiled.iter().enumerate() {
            let (out, is_whole) = opened(unlocked(), &file(1), bytes, 10_000);
            assert!(!is_whole, "{number} passes for whole");
            assert!(plain.starts_with(&out), "{number} hands out what was never sealed there");
        }
    }

    #[test]
    fn a_stream_opens_nowhere_but_at_its_place() {
        let vault = vault(ONE);
        let key = vault.generate(Uuid::from_u128(1), files(1)).unwrap();
        let bytes = sealed(vault.unlock(&key).unwrap().as_ref(), &file(1), b"un texte", 10);
        let theirs = vault.generate(Uuid::from_u128(2), files(2)).unwrap();
        let same_id = vault.generate(Uuid::from_u128(1), files(1)).unwrap();
        assert!(opened(vault.unlock(&key).unwrap(), &file(1), &bytes, 10).1);
        assert!(!opened(vault.unlock(&key).unwrap(), &file(2), &bytes, 10).1, "another file");
        assert!(!opened(vault.unlock(&theirs).unwrap(), &file(1), &bytes, 10).1, "another owner");
        assert!(!opened(vault.unlock(&same_id).unwrap(), &file(1), &bytes, 10).1, "another key of this name");
    }
}
