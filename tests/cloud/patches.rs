//! Every patch of the local cloud is needed, works, and is in the manual.

use local_cloud::toolbox::Toolbox;

#[tokio::test]
async fn every_patch_of_the_emulator_closes_a_gap_that_is_still_there_and_is_documented() {
    let patches = local_cloud::patches(&Toolbox::local_cloud().await.unwrap()).await.unwrap();
    let manual = include_str!("../../docs/LOCAL_STACK.md");
    assert!(!patches.is_empty());
    for patch in patches {
        assert!(manual.contains(&format!("| {patch} |")), "docs/LOCAL_STACK.md lacks: {patch}");
    }
}
