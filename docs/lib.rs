//! The pages whose code is compiled and run with the documentation's: `cargo test --doc -p
//! furlough-docs`.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../README.zh-CN.md")]
struct ReadmeInChinese;

#[cfg(doctest)]
#[doc = include_str!("guide/library.md")]
struct Library;

#[cfg(doctest)]
#[doc = include_str!("guide/weighted-losses.md")]
struct WeightedLosses;

#[cfg(doctest)]
#[doc = include_str!("guide/uncertainty.md")]
struct Uncertainty;

#[cfg(doctest)]
#[doc = include_str!("guide/tune.md")]
struct Tune;
