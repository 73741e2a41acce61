//! Which rows and which seed each of several networks has.

use furlough::data::Partition;
use furlough::files::sha256_hex;

/// Fewer networks than these leave out a part of so many all the same: one that learned from half
/// of the rows would be no good.
const FEWEST_FOLDS: u32 = 5;

/// Returns into how many parts the rows are cut of which each of so many networks leaves one out;
/// see [`member_partition`] for rows that go by time.
pub fn member_folds(members: u32, by_time: bool) -> u32 {
    if by_time { FEWEST_FOLDS } else { members.max(FEWEST_FOLDS) }
}

/// Returns what a network holds out of rows that are cut into `folds` parts: the part of its
/// number, counted around. Rows that go by time are another matter: what an early part would be
/// judged by comes later than the little that is learned from. There all networks hold out the
/// latest part, and differ by their seeds.
pub fn member_partition(member: u32, folds: u32, by_time: bool, seed: u64) -> Partition {
    let fold = if by_time { 0 } else { member % folds };
    Partition { folds: Some(folds), fold, seed, stratified: true, train_examples: None }
}

/// Returns the seed of a network of several, from 0 to 2³² − 1. It is a hash, so that the networks
/// of seed 1 are not those of seed 0 once more.
///
/// ```
/// use furlough_tables::model::member_seed;
/// assert_ne!(member_seed(0, 1), member_seed(1, 0));
/// ```
pub fn member_seed(seed: u64, member: u32) -> u64 {
    let digest = sha256_hex(format!("furlough member 1\n{seed}\n{member}").as_bytes());
    u64::from_str_radix(&digest[..8], 16).expect("eight hexadecimal digits are a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_left_out_by_some_network() {
        let fold = |member, folds, by_time| member_partition(member, folds, by_time, 0).fold;
        assert_eq!(
            (0..8).map(|member| fold(member, member_folds(8, false), false)).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5, 6, 7]
        );
        assert_eq!((0..5).map(|member| fold(member, 2, false)).collect::<Vec<_>>(), [0, 1, 0, 1, 0]);
        assert_eq!((member_folds(2, false), member_folds(9, true), fold(4, 5, true)), (5, 5, 0));
    }

    /// Models are made again from their seeds.
    #[test]
    fn seeds_stay_what_they_are() {
        assert_eq!(
            [(0, 0), (0, 1), (7, 3)].map(|(seed, member)| member_seed(seed, member)),
            [3_522_597_036, 1_747_428_196, 115_027_426]
        );
    }
}
