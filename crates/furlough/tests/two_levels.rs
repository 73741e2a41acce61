//! The network by hand and the network as a list are one network.

#[path = "../examples/concise.rs"]
mod concise;
#[path = "../examples/from_scratch.rs"]
mod from_scratch;

#[test]
fn both_examples_give_the_same_losses_and_learn() {
    for seed in [0, 1] {
        let (by_hand, accuracy_by_hand) = from_scratch::train(seed, 30).unwrap();
        let (as_list, accuracy_as_list) = concise::train(seed, 30).unwrap();
        assert_eq!(by_hand.len(), 30);
        for (epoch, (a, b)) in by_hand.iter().zip(&as_list).enumerate() {
            assert!((a - b).abs() < TOLERANCE, "epoch {}: {a} by hand, {b} as a list", epoch + 1);
        }
        // The gate: see the README for what to expect of ten seeds.
        assert!(accuracy_by_hand > 0.93, "{accuracy_by_hand}");
        assert!((accuracy_as_list - accuracy_by_hand).abs() < 0.006, "{accuracy_as_list} and {accuracy_by_hand}");
    }
}

/// The order of f32 sums differs between the two, and 1,350 steps let the difference grow.
const TOLERANCE: f64 = 1e-3;
