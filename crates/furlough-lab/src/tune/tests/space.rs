//! What a search may try.

use crate::recipe::{GoesWith, Recipe, Settings};
use crate::tune::{Candidate, Domain, SearchKey, Space};

fn base() -> Recipe {
    Settings::parse("data = 'digits'\nhidden = [64, 32]\nfolds = 5", None).unwrap().resolve().unwrap()
}

#[test]
fn what_cannot_be_searched_is_named() {
    for (text, expected) in [
        ("widht", "search = widht: cannot be searched for. Did you mean width?"),
        ("learning-rate", "Did you mean lr?"),
        ("epochs=1..9", "search = epochs: cannot be searched for."),
        ("hidden", "Did you mean width?"),
        ("xyz", "There are dropout, input_dropout, width, depth, lr, weight_decay, max_norm, activation, batch_size, "),
        ("lr=1", "search = lr=1: write a range as lr=LOW..HIGH, such as lr=0.01..1"),
        ("lr=a..b", "write a range"),
        ("lr=nan..1", "write a range"),
        ("lr=1..0.1", "is empty"),
        ("lr=0..1", "lr goes from"),
        ("dropout=0..1.5", "dropout goes from 0 to 1"),
        ("dropout=0..0.001", "steps of 0.01"),
        ("width=1.5..8", "whole number"),
        ("depth=0..2", "depth goes from 1 to 16"),
        ("width,width", "search = width: is there twice"),
        ("dropout=0..0.5,lr,dropout=0..0.9", "search = dropout: is there twice"),
        ("weight_decay,weight-decay", "search = weight_decay: is there twice"),
        ("momentum=0..1", "momentum goes from 0 to 0.99"),
        ("batch_size=8..1e6", "batch_size goes from 1 to 65536"),
        ("batch_size=8.5..16", "whole number"),
        ("batch", "Did you mean batch_size?"),
        ("activation=relu,rleu", "search = activation=rleu: not an activation; there are relu"),
        ("activation=relu,gelu,widht", "search = activation=widht: not an activation; there are relu"),
        ("activation=relu", "search = activation=relu: leaves nothing to choose"),
        ("activation=relu,gelu,relu", "search = activation=relu,gelu,relu: relu is there twice"),
        ("activation=0..1", "search = activation=0..1: not an activation"),
        ("dropout_schedule=decay,early:2", "search = dropout_schedule=early:2: write constant, linear"),
        ("nesterov", "search = nesterov=true: needs a momentum above 0"),
        (
            "beta1=0.8..0.9",
            "search = beta1: does nothing with optimizer = sgd; it goes with optimizer = adam or adamw or lion",
        ),
        ("epsilon,optimizer=sgd,lion", "search = epsilon: does nothing with optimizer = sgd; it goes with"),
        ("weight_decay_schedule", "search = weight_decay_schedule: does nothing without a weight decay above 0"),
        ("dropout_schedule=early:0,decay", "search = dropout_schedule=early:0: is 0 throughout"),
        ("nesterov=yes,no", "search = nesterov=yes: not true or false"),
        ("lr=relu", "search = lr=relu: write a range as lr=LOW..HIGH"),
    ] {
        let error = Space::parse(text, &base()).expect_err(text).to_string();
        assert!(error.contains(expected), "{text:?}: {error:?} should mention {expected:?}");
    }
    let shared = "data = 'digits'\ndropout_sharing = 4";
    let shared = Settings::parse(shared, None).unwrap().resolve().unwrap();
    let error = Space::parse("dropout_kind=bernoulli,dropconnect", &shared).unwrap_err().to_string();
    assert!(error.contains("search = dropout_kind=dropconnect: dropout_sharing = 4: dropconnect always"), "{error}");
    let flat = Settings::parse("data = 'digits'\nhidden = []", None).unwrap().resolve().unwrap();
    assert!(Space::parse("", &flat).unwrap_err().to_string().contains("no hidden layer"));
}

/// Everything that can be searched, but what does not go with the base.
fn all() -> String {
    let of_table = |need: &GoesWith| match need {
        GoesWith::Table => true,
        GoesWith::Value(name, _) => ["numeric_embedding", "input_scaling"].contains(name),
        _ => false,
    };
    let names = SearchKey::all().into_iter().filter(|key| key.usual_choices().len() != 1);
    let names = names.filter(|key| !key.goes_with().iter().any(of_table)).map(SearchKey::name);
    names.collect::<Vec<_>>().join(",")
}

#[test]
fn keys_of_tables_are_not_searched_for_a_data_set() {
    let error = |text: &str| Space::parse(text, &base()).unwrap_err().to_string();
    assert!(error("input_scaling").contains("goes with a table, and not with a data set"));
    assert!(error("numeric_embedding,pbld_scale").contains("goes with a table, and not with a data set"));
}

#[test]
fn names_are_told_from_keys() {
    let said = |text: &str| Space::parse(text, &base()).unwrap().to_string();
    assert_eq!(said("activation=relu, gelu ,lr"), "dropout 0 to 0.95, lr 0.01 to 1, activation relu or gelu");
    let schedules = "dropout 0 to 0.95, batch_size 8 to 128, dropout_schedule early:0.5 or constant";
    assert_eq!(said("dropout_schedule=early:0.50,constant,batch-size"), schedules);
    assert_eq!(said("nesterov,momentum=0.5..0.9"), "dropout 0 to 0.95, momentum 0.5 to 0.9, nesterov false or true");
    for good in ["beta1,optimizer=sgd,adam", "weight_decay_schedule,weight_decay", "momentum"] {
        assert!(Space::parse(good, &base()).is_ok(), "{good}");
    }
    for key in SearchKey::all() {
        for name in key.usual_choices() {
            assert!(SearchKey::named(&name).is_none(), "{name} is a key and a value of {key}");
        }
    }
}

#[test]
fn a_space_survives_being_written() {
    let space = Space::parse("width, depth, lr=0.05..0.5, weight-decay, max_norm, input_dropout", &base()).unwrap();
    let text = toml::to_string(&space).unwrap();
    let before = "dropout = [0.0, 0.95]\ninput_dropout = [0.0, 0.5]\nwidth = [16.0, 256.0]\ndepth = [1.0, 4.0]\n\
                  lr = [0.05, 0.5]\nweight_decay = [1e-6, 0.01]\nmax_norm = [1.0, 6.0]\n";
    assert_eq!(text.replace("0.000001", "1e-6"), before);
    assert_eq!(toml::from_str::<Space>(&text).unwrap(), space);
    let space = Space::parse(&all(), &base()).unwrap();
    assert_eq!(toml::from_str::<Space>(&toml::to_string(&space).unwrap()).unwrap(), space);
    assert!(space.is_wide() && !Space::parse("input_dropout", &base()).unwrap().is_wide());
}

#[test]
fn usual_ranges_keep_to_their_limits() {
    let usual = |hidden: &str, more: &str| {
        let base = Settings::parse(&format!("data = 'digits'\nhidden = {hidden}\ndropout = 0.5\n{more}"), None);
        let space = Space::parse("width,depth,lr,batch_size", &base.unwrap().resolve().unwrap()).unwrap();
        ["width", "depth", "lr", "batch_size"].map(|name| {
            let Some(Domain::Range(range)) = space.domain(SearchKey::named(name).unwrap()) else { panic!("{name}") };
            (range.low, range.high)
        })
    };
    assert_eq!(usual("[64, 32]", "")[..2], [(16.0, 256.0), (1.0, 4.0)]);
    assert_eq!(usual("[8]", "")[0], (4.0, 32.0));
    assert_eq!(usual("[2]", "")[0], (2.0, 8.0));
    assert_eq!(usual("[1]", "batch_size = 1\nlr = 1e-9"), [(1.0, 4.0), (1.0, 4.0), (1e-9, 1e-8), (1.0, 4.0)]);
    let deep = format!("[{}]", ["65536"; 16].join(", "));
    assert_eq!(usual(&deep, "lr = 1e20")[..3], [(16_384.0, 65_536.0), (1.0, 16.0), (1e8, 1e9)]);
    assert_eq!(usual("[4, 4, 4, 4]", "")[1], (1.0, 5.0));
}

#[test]
fn coordinates_lead_back_to_the_values() {
    // Some kinds of dropout have no sharing and no schedule, and one has a prior.
    let prior = ["concrete_length", "concrete_regularizer"];
    for without in [&["dropout_sharing", "dropout_schedule"][..], &["dropout_kind", prior[0], prior[1]]] {
        let text = all().split(',').filter(|name| !without.contains(name)).collect::<Vec<_>>().join(",");
        lead_back(&Space::parse(&text, &base()).unwrap(), &base());
    }
}

fn lead_back(space: &Space, base: &Recipe) {
    let axes = space.axes(base);
    assert!(axes.len() > 4 + 12, "{}", axes.len());
    for share in [0.0, 0.01, 0.2, 0.37, 0.5, 0.77, 0.9, 0.999_999] {
        let mut candidate = Candidate::uniform(0.5, 4);
        for axis in &axes {
            let (low, high) = axis.ends();
            axis.set(low + share * (high - low), &mut candidate);
        }
        let recipe = candidate.recipe(base).unwrap();
        let mut again = Candidate::uniform(0.5, 4);
        for axis in &axes {
            let coordinate = axis.coordinate(&recipe);
            let (low, high) = axis.ends();
            assert!(coordinate.is_nan() || (low..high).contains(&coordinate), "{axis:?}: {coordinate}");
            axis.set(if coordinate.is_nan() { low } else { coordinate }, &mut again);
        }
        assert_eq!(again.recipe(base).unwrap(), recipe, "{share}");
    }
}
