use strongroom_crypto::{module_name, module_version};

#[test]
fn the_module_tells_its_name_and_version() {
    assert_eq!(module_name(), if cfg!(feature = "fips") { "AWS-LC-FIPS" } else { "AWS-LC" });
    let numbers: Vec<_> = module_version().split('.').map(str::parse::<u32>).collect();
    assert!(numbers.len() == 3 && numbers.iter().all(Result::is_ok), "{}", module_version());
}
