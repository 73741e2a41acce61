/// Puts `order` into an order of chance: Fisher–Yates from the last place down. Place `i` takes its
/// partner from 64 random bits `r` (words 2(i%2) and 2(i%2)+1 of `words(i/2)`, low word first) as
/// `floor(r * (i+1) / 2^64)`; the bias is below 2^-32.
///
/// ```
/// use furlough::random::{Key, Stream, shuffle};
/// let mut order = [0, 1, 2, 3];
/// shuffle(&mut order, |counter| Key::new(0).draw(Stream::Permutation, 0, counter, 0, 0));
/// let mut sorted = order;
/// sorted.sort();
/// assert_eq!(sorted, [0, 1, 2, 3]);
/// ```
pub fn shuffle(order: &mut [u32], words: impl Fn(u32) -> [u32; 4]) {
    let mut four = [0; 4];
    let mut drawn = u32::MAX;
    for i in (1..order.len()).rev() {
        let counter = (i / 2) as u32;
        if counter != drawn {
            four = words(counter);
            drawn = counter;
        }
        let half = 2 * (i % 2);
        let bits = u64::from(four[half]) | u64::from(four[half + 1]) << 32;
        let partner = ((u128::from(bits) * (i as u128 + 1)) >> 64) as usize;
        order.swap(i, partner);
    }
}
