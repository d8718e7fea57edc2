use strongroom_crypto::digest::{Hash, Hasher, Sha256, sha256, sha384, sha512};
use strongroom_crypto::hex;

/// The empty message and the examples of FIPS 180-4 that NIST publishes: one block, two blocks, a million `a`.
#[test]
fn known_answers() {
    let two_blocks_of_32 = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    let two_blocks_of_64 = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn\
                            hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    let million = "a".repeat(1_000_000);
    let cases = [
        ("", SHA256_EMPTY),
        ("abc", SHA256_ABC),
        (two_blocks_of_32, SHA256_TWO_BLOCKS),
        (million.as_str(), SHA256_MILLION),
    ];
    for (message, digest) in cases {
        assert_eq!(hex::encode(&sha256(message.as_bytes())), digest);
    }
    let cases = [("", SHA384_EMPTY), ("abc", SHA384_ABC), (two_blocks_of_64, SHA384_TWO_BLOCKS)];
    for (message, digest) in cases {
        assert_eq!(hex::encode(&sha384(message.as_bytes())), digest);
    }
    let cases = [("", SHA512_EMPTY), ("abc", SHA512_ABC), (two_blocks_of_64, SHA512_TWO_BLOCKS)];
    for (message, digest) in cases {
        assert_eq!(hex::encode(&sha512(message.as_bytes())), digest);
    }
}

/// The same examples for the two that have no function of their own, and the others by name.
#[test]
fn known_answers_by_name() {
    let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
    assert_eq!(hex::encode(&Hash::Sha1.digest(b"abc")), sha1);
    let sha224 = "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7";
    assert_eq!(hex::encode(&Hash::Sha224.digest(b"abc")), sha224);
    assert_eq!(hex::encode(&Hash::Sha256.digest(b"abc")), SHA256_ABC);
    assert_eq!(hex::encode(&Hash::Sha384.digest(b"abc")), SHA384_ABC);
    assert_eq!(hex::encode(&Hash::Sha512.digest(b"abc")), SHA512_ABC);
    for hash in Hash::ALL {
        let mut hasher = Hasher::new(hash);
        hasher.update(b"a");
        hasher.update(b"bc");
        let digest = hasher.finish();
        assert_eq!(digest, hash.digest(b"abc"));
        assert_eq!(digest.len(), hash.output_length());
    }
}

#[test]
fn pieces_give_the_digest_of_the_whole_and_a_clone_goes_its_own_way() {
    let message: Vec<u8> = (0..=255).cycle().take(1_000).collect();
    for size in [1, 63, 64, 65, 999, 1_000] {
        let mut digest = Sha256::new();
        for piece in message.chunks(size) {
            digest.update(piece);
        }
        let mut other = digest.clone();
        other.update(b"more");
        assert_eq!(digest.finish(), sha256(&message), "pieces of {size}");
        assert_eq!(other.finish(), sha256(&[&message, b"more".as_slice()].concat()));
    }
    assert_eq!(Sha256::default().finish(), sha256(b""));
}

const SHA256_EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const SHA256_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const SHA256_TWO_BLOCKS: &str = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
const SHA256_MILLION: &str = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
const SHA384_EMPTY: &str = "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da\
    274edebfe76f65fbd51ad2f14898b95b";
const SHA384_ABC: &str = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
    8086072ba1e7cc2358baeca134c825a7";
const SHA384_TWO_BLOCKS: &str = "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712\
    fcc7c71a557e2db966c3e9fa91746039";
const SHA512_EMPTY: &str = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
    47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";
const SHA512_ABC: &str = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
    2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
const SHA512_TWO_BLOCKS: &str = "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018\
    501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909";
