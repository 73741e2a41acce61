//! The network by hand and the network as a list are one network.

#[path = "../../examples/concise.rs"]
mod concise;
#[path = "../../examples/from_scratch.rs"]
mod from_scratch;

furlough_harness::tests![both_examples_give_the_same_losses_and_learn,];

fn both_examples_give_the_same_losses_and_learn() {
    for seed in [0, 1] {
        let (by_hand, accuracy_by_hand) = from_scratch::train(seed, 30).unwrap();
        let (as_list, accuracy_as_list) = concise::train(seed, 30).unwrap();
        assert_eq!(by_hand.len(), 30);
        for (epoch, (a, b)) in by_hand.iter().zip(&as_list).enumerate() {
            let tolerance = if epoch == 0 { FIRST } else { LATER };
            assert!((a - b).abs() < tolerance, "epoch {}: {a} by hand, {b} as a list", epoch + 1);
        }
        // The gate: seeds 0 to 19 gave 0.911 to 0.944.
        assert!(accuracy_by_hand > 0.90, "{accuracy_by_hand}");
        assert!((accuracy_as_list - accuracy_by_hand).abs() < 0.012, "{accuracy_as_list} and {accuracy_by_hand}");
    }
}

/// The order of f32 sums differs between the two: some 1e-7 in each step (`step.rs` holds steps to
/// that). In the first epoch that is all; later a unit here or there has crossed its ReLU's corner
/// in one of the two and not in the other.
const FIRST: f64 = 5e-5;
const LATER: f64 = 5e-3;
