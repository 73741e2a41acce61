//! From a CSV file to answers: `cargo run --release --example iris`.

use furlough_tables::{SplitOptions, TableModel, TableOptions, read_csv};

fn main() -> Result<(), furlough_tables::Error> {
    let table = read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data/iris.csv"))?;
    let split = table.split_rows(&SplitOptions { test: 0.2, ..SplitOptions::default() })?;
    let mut model = TableModel::fit(&table.select(&split.train), &TableOptions::target("species"))?;
    let test = table.select(&split.test).with_target(&["species"], Default::default())?;
    println!("accuracy on {} new flowers: {:?}", test.rows(), model.evaluate(&test)?.accuracy);
    model.save(std::env::temp_dir().join("iris.safetensors"))?;
    let answers = model.predict(&test)?;
    println!("the first three are {}", answers.texts()[..3].join(", "));
    Ok(())
}
