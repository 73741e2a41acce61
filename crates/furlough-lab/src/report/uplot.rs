//! [uPlot](https://github.com/leeoniya/uPlot) 1.6.32, by Leon Sorokin (MIT), unchanged as its npm
//! package has it: charts for pages that must need nothing from anywhere else.

/// Its script, which makes the global `uPlot`.
pub const SCRIPT: &str = include_str!("../../assets/uplot/uPlot.iife.min.js");
/// Its style sheet.
pub const STYLE: &str = include_str!("../../assets/uplot/uPlot.min.css");
/// Its licence, which wants to be in every copy.
pub const LICENCE: &str = include_str!("../../assets/uplot/LICENSE.txt");
