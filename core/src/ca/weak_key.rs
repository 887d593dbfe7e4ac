//! Public keys that look right and whose private keys can be found.

use num_bigint::BigUint;

/// Says what is wrong with an RSA modulus, given in big-endian octets; `None` if nothing shows.
pub(super) fn rsa_weakness(modulus: &[u8]) -> Option<&'static str> {
    if modulus.last().is_none_or(|last| last % 2 == 0) {
        return Some("the RSA modulus is even");
    }
    if (3..SMALL_FACTOR_END)
        .step_by(2)
        .any(|divisor| remainder(modulus, divisor) == 0)
    {
        return Some("the RSA modulus has a small factor");
    }
    if has_roca_fingerprint(modulus) {
        return Some("the RSA key comes from a faulty generator (ROCA, CVE-2017-15361)");
    }
    if has_close_primes(modulus) {
        return Some("the primes of the RSA key are too close to each other");
    }
    None
}

/// Whether an Ed25519 key is one of the points of small order, for which anybody can sign.
pub(super) fn is_small_order_ed25519(key: &[u8]) -> bool {
    let Some((last, front)) = key.split_last() else {
        return false;
    };
    SMALL_ORDER_ED25519.iter().any(|point| {
        // The top bit is the sign of x, which does not matter here.
        point[..31] == *front && point[31] == last & 0x7f
    })
}

/// Whether the modulus is, by each small prime, a power of 65537: a chance of one in 2^27 for an
/// honest key (Nemec et al., "The Return of Coppersmith's Attack", section 3).
fn has_roca_fingerprint(modulus: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let wanted = remainder(modulus, *prime);
        let mut power = 1;
        for _ in 0..*prime {
            if power == wanted {
                return true;
            }
            power = power * 65_537 % prime;
        }
        false
    })
}

/// Whether Fermat's method splits the modulus within a hundred steps.
fn has_close_primes(modulus: &[u8]) -> bool {
    let n = BigUint::from_bytes_be(modulus);
    let mut a = n.sqrt();
    if &a * &a < n {
        a += 1_u32;
    }
    // Where n = a^2 - b^2, it is (a - b)(a + b).
    let mut b_squared = &a * &a - &n;
    for _ in 0..FERMAT_STEPS {
        if is_square(&b_squared) {
            return true;
        }
        b_squared += (&a << 1_u8) + 1_u32;
        a += 1_u32;
    }
    false
}

fn is_square(n: &BigUint) -> bool {
    // Cheap tests first: they leave less than one in a hundred to the root.
    let rest = u32::try_from(n % SQUARE_TESTS.iter().product::<u32>()).unwrap_or(0);
    let may_be = SQUARE_TESTS
        .iter()
        .all(|modulus| (0..*modulus).any(|root| root * root % modulus == rest % modulus));
    may_be && {
        let root = n.sqrt();
        &root * &root == *n
    }
}

fn remainder(octets: &[u8], divisor: u32) -> u32 {
    octets
        .iter()
        .fold(0, |rest, octet| (rest << 8 | u32::from(*octet)) % divisor)
}

/// Divisors below this one are tried (NIST SP 800-89, section 5.3.3, asks for those up to 752).
const SMALL_FACTOR_END: u32 = 1_000;

const FERMAT_STEPS: usize = 100;

/// By each of these, squares leave few of the possible remainders.
const SQUARE_TESTS: [u32; 4] = [64, 63, 65, 11];

/// The primes by which 65537 does not generate every remainder.
const ROCA_PRIMES: [u32; 17] = [
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
];

/// The y coordinates, little-endian, of the points whose order divides 8; the last two are not
/// reduced.
const SMALL_ORDER_ED25519: [[u8; 32]; 7] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    near_prime(0xec),
    near_prime(0xed),
    near_prime(0xee),
];

/// 2^255 - 19 is the prime; its lowest octet is 0xed.
const fn near_prime(lowest: u8) -> [u8; 32] {
    let mut octets = [0xff; 32];
    octets[0] = lowest;
    octets[31] = 0x7f;
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        crate::model::serial::hex_octets(hex).unwrap()
    }

    #[test]
    fn the_roca_fingerprint_is_seen() {
        // The sample of the finders' own detector.
        let modulus = octets(
            "944e13208a280c37efc31c3114485e590192adbb8e11c87cad60cdef0037ce99\
             278330d3f471a2538fa667802ed2a3c44a8b7dea826e888d0aa341fd664f7fa7",
        );
        assert!(has_roca_fingerprint(&modulus));
        assert!(rsa_weakness(&modulus).unwrap().contains("ROCA"));
        let other = [&modulus[..modulus.len() - 1], &[0xa9]].concat();
        assert!(!has_roca_fingerprint(&other));
    }

    #[test]
    fn close_primes_are_seen() {
        // Two primes of 127 and 128 bits, close and not.
        let p: BigUint = "170141183460469231731687303715884105727".parse().unwrap();
        let q: BigUint = "170141183460469231731687303715884105757".parse().unwrap();
        let far: BigUint = "340282366920938463463374607431768211297".parse().unwrap();
        assert!(has_close_primes(&(&p * &q).to_bytes_be()));
        assert!(has_close_primes(&(&p * &p).to_bytes_be()));
        assert!(!has_close_primes(&(&p * &far).to_bytes_be()));
    }

    #[test]
    fn small_factors_are_seen() {
        assert!(rsa_weakness(&[]).is_some());
        assert!(rsa_weakness(&[1, 0]).unwrap().contains("even"));
        let n: BigUint = BigUint::from(997_u32)
            * "170141183460469231731687303715884105727"
                .parse::<BigUint>()
                .unwrap();
        assert!(rsa_weakness(&n.to_bytes_be()).unwrap().contains("factor"));
    }

    #[test]
    fn points_of_small_order_are_seen() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(is_small_order_ed25519(&identity));
        identity[31] = 0x80;
        assert!(is_small_order_ed25519(&identity));
        assert!(!is_small_order_ed25519(&[9; 32]));
        assert!(!is_small_order_ed25519(&[]));
    }
}
