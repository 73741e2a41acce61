//! Presets of tables: the library and a recipe train the same network, and a recipe that says it
//! all is left alone.

use furlough::nn::Mlp;
use furlough::train::Trainer;
use furlough_lab::recipe::{Settings, TableInput};
use furlough_lab::source::TableSource;
use furlough_tables::{InferOptions, Preset, Schema, TableModel, TableOptions, TaskChoice, read_table};
use std::fmt::Write as _;
use std::path::Path;

furlough_harness::tests![
    a_recipe_trains_the_network_of_the_library,
    explicit_values_override_a_preset,
    a_whole_recipe_is_left_alone,
];

/// 200 rows of a number, a category of few levels, one of many, and two targets.
fn file(folder: &Path) -> String {
    let mut text = String::from("size,town,street,kind,price\n");
    for row in 0..200_u32 {
        let (size, town, street) = (row * 7 % 50, ["Bern", "Chur", "Thun"][row as usize % 3], row * 13 % 17);
        let kind = if size + street > 30 { "large" } else { "small" };
        let price = f64::from(size) * 1.5 + f64::from(street) + f64::from(row % 3);
        writeln!(text, "{size},{town},street {street:02},{kind},{price}").unwrap();
    }
    let path = folder.join("table.csv");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().into()
}

fn input(file: &str, target: &str, preset: Preset) -> TableInput {
    let names = vec![target.to_string()];
    let options = InferOptions { names: names.clone(), ..InferOptions::default() };
    let other = if target == "kind" { "price" } else { "kind" };
    let schema = Schema::infer(Path::new(file), &options).unwrap().with_role(other, furlough_tables::Role::Ignore);
    TableInput {
        file: file.into(),
        test_file: None,
        test_fraction: 0.0,
        test_seed: 0,
        on_disk: None,
        preprocessing: preset.preprocessing(),
        schema: schema.unwrap().with_target(&names, TaskChoice::Auto).unwrap(),
    }
}

fn settings(input: &TableInput, said: &str, preset: Preset) -> (TableSource, Settings, Option<String>) {
    let source = TableSource::read(input, 1).unwrap();
    let said =
        Settings { data: Some(input.name()), table: Some(input.clone()), ..Settings::parse(said, None).unwrap() };
    let (settings, chosen) = source.settings(said, preset).unwrap();
    (source, settings, chosen)
}

/// What the command does, in short.
fn trained(input: &TableInput, preset: Preset) -> Mlp {
    let (source, settings, _) = settings(input, "epochs = 3", preset);
    let recipe = settings.resolve().unwrap();
    // As the run's folder keeps it.
    let recipe = Settings::parse(&recipe.to_toml(), None).unwrap().resolve().unwrap();
    let data = source.run_data(&recipe.partition()).unwrap().training;
    let network = recipe.network(data.train.features(), data.train.levels(), data.train.outputs());
    let mut trainer = Trainer::new(&network, &recipe.options(), &data.train, 1).unwrap();
    trainer.fit(Some(data.eval_data())).unwrap();
    trainer.into_mlp()
}

fn a_recipe_trains_the_network_of_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    for preset in Preset::ALL {
        for target in ["kind", "price"] {
            let input = input(&file, target, preset);
            let table = read_table(Path::new(&file), &input.schema, 1).unwrap();
            let options = TableOptions { target: Vec::new(), ..TableOptions::target(target) }.with_preset(preset);
            let data = TableSource::read(&input, 1).unwrap();
            let partition = settings(&input, "", preset).1.resolve().unwrap().partition();
            let train = data.run_data(&partition).unwrap().training.train;
            let recipe = preset.recipe(train.len(), train.features(), train.targets().task());
            let recipe = furlough_tables::model::TableRecipe { epochs: 3, ..recipe };
            let model = TableModel::fit(&table, &TableOptions { recipe: Some(recipe), ..options }).unwrap();
            assert!(*model.network() == trained(&input, preset), "{preset}, {target}");
        }
    }
}

fn explicit_values_override_a_preset() {
    let folder = tempfile::tempdir().unwrap();
    let input = input(&file(folder.path()), "kind", Preset::RealMlp);
    let (_, said, chosen) = settings(&input, "lr = 0.01\nhidden = [8, 8]\nearly_stopping = 0", Preset::RealMlp);
    assert_eq!(chosen.unwrap(), "realmlp: the defaults of RealMLP (2024) for classes");
    let recipe = said.resolve().unwrap();
    assert_eq!((recipe.options().learning_rate, recipe.hidden()), (0.01, &[8, 8][..]));
    assert_eq!((recipe.dropout(), recipe.options().early_stopping), (&[0.15, 0.15][..], None));
    // Another optimizer lets go of what was AdamW's.
    let (_, said, _) = settings(&input, "optimizer = 'sgd'", Preset::RealMlp);
    assert_eq!(said.resolve().unwrap().options().learning_rate, 0.5);
    let (_, said, _) = settings(&input, "numeric_embedding = 'none'\ninput_scaling = false", Preset::RealMlp);
    let network = said.resolve().unwrap().network(3, &[], 2);
    assert!(network.input_stage().is_none());
}

/// A run's own recipe, or one of before there were presets, means what it meant.
fn a_whole_recipe_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let input = input(&file(folder.path()), "kind", Preset::RealMlp);
    let whole = "hidden = [16]\ndropout = [0.5]\ninput_dropout = 0.0\nactivation = \"relu\"\ninit = \"kaiming\"\n\
                 optimizer = \"adamw\"\nlr = 0.002\nmomentum = 0.0\nnesterov = false\nweight_decay = 0.01\n\
                 batch_size = 32\nepochs = 4\nseed = 0\nfolds = 4\n";
    let (_, said, chosen) = settings(&input, whole, Preset::RealMlp);
    assert_eq!(chosen, None);
    let options = said.resolve().unwrap().options();
    assert_eq!((options.loss.label_smoothing, options.drop_last, options.early_stopping), (0.0, false, None));
}
