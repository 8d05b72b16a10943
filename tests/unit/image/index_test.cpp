#include "base/error.hpp"
#include "base/hash.hpp"
#include "image/layer_ingest.hpp"
#include "image/manifest.hpp"
#include "image/platform.hpp"
#include "image/step_records.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stop_token>

using namespace davit;
using namespace davit::image;
using registry::Reference;

namespace {

std::string digest_of_text(const std::string& text) { return "sha256:" + sha256_hex(text); }

// The other machine's images, whatever this one is.
const std::string here = host_platform().architecture;
const std::string elsewhere = here == "arm64" ? "amd64" : "arm64";

class Images {
public:
    Images() : store(directory_ / "images") {}

    Image image(const std::string& architecture, Lease& lease) {
        IngestSession session(store.impl());
        const std::string upper = session.fresh();
        std::ofstream(upper + "/file") << architecture;
        const Layer layer =
            keep_layer(store, lease, upper, digest_of_text(architecture), architecture.size(), 2048, false);
        const nlohmann::json config{{"os", "linux"},
                                    {"architecture", architecture},
                                    {"rootfs", {{"type", "layers"}, {"diff_ids", {layer.diff_id}}}}};
        return put_image(store, lease, config.dump(), {layer});
    }
    registry::Descriptor entry(const Image& image) const {
        return {registry::media::oci_manifest,
                image.manifest_digest,
                store.manifest_json(image).size(),
                image.platform,
                {}};
    }
    // Of both machines, with that name.
    Index both(const std::string& name) {
        Lease lease = store.empty_lease();
        const Image one = image(elsewhere, lease), other = image(here, lease);
        const Index index = store.put_index(lease, write_index({entry(one), entry(other)}), "", {one.id, other.id});
        store.tag(index, Reference::parse(name));
        return index;
    }
    std::size_t records(const std::string& directory) const {
        const std::string path = store.root() + "/" + directory;
        if (!std::filesystem::exists(path)) return 0;
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
    }

private:
    test::TempDir directory_;

public:
    Store store;
};

} // namespace

TEST_CASE("index: its document lists the manifests with their platforms, and is rewritten where blobs are others") {
    const registry::Descriptor one{"m", digest_of_text("1"), 1, Platform{"linux", "amd64", ""}, {}};
    const registry::Descriptor two{"m", digest_of_text("2"), 2, Platform{"linux", "arm", "v7"}, {}};
    const std::string json = write_index({one, two});
    const auto listed = parse_index(json);
    REQUIRE(listed.size() == 2);
    CHECK(listed[1].platform == two.platform);
    CHECK(kind_of_document(json) == DocumentKind::index);
    CHECK(rewrite_index(json, {{one.digest, one}, {two.digest, two}}) == json);
    const registry::Descriptor sent{"m", digest_of_text("3"), 3, std::nullopt, {}};
    const auto rewritten = parse_index(rewrite_index(json, {{one.digest, one}, {two.digest, sent}}));
    REQUIRE(rewritten.size() == 2);
    CHECK(rewritten[1].digest == sent.digest);
    CHECK(rewritten[1].size == 3);
    CHECK(rewritten[1].platform == two.platform);
    CHECK(parse_index(rewrite_index(json, {{two.digest, two}})).size() == 1);
}

TEST_CASE("index: a name of two platforms is one image of the list, this machine's") {
    Images i;
    const Index index = i.both("app:1");
    const auto all = i.store.list();
    REQUIRE(all.size() == 1);
    CHECK(all[0].platform.architecture == here);
    CHECK(all[0].tags == std::vector<std::string>{"app:1"});
    REQUIRE(i.store.index_of(all[0]));
    CHECK(i.store.index_of(all[0])->document.digest == index.document.digest);
    CHECK(i.store.index_of(all[0])->members.size() == 2);
    const auto other = i.store.find(Reference::parse("app:1"), {"linux", elsewhere, ""});
    REQUIRE(other);
    CHECK(other->platform.architecture == elsewhere);
    CHECK(i.store.find("app:1")->id == all[0].id);
    CHECK(!i.store.find(Reference::parse("app:1"), {"linux", "s390x", ""}));
}

TEST_CASE("index: it goes with its last name, and its images with it") {
    Images i;
    const Index index = i.both("app:1");
    i.store.tag(index, Reference::parse("app:2"));
    i.store.remove("app:1");
    CHECK(i.store.list().size() == 1);
    CHECK(i.records("images") == 2);
    CHECK(i.store.index_of(Reference::parse("app:2"))->members.size() == 2);
    const Removed gone = i.store.remove("app:2");
    CHECK(gone.deleted.size() == 2);
    CHECK(i.store.list().empty());
    CHECK(i.records("images") == 0);
    CHECK(i.records("indexes") == 0);
    CHECK(i.records("index-refs") == 0);
    CHECK(i.records("blobs/sha256") == 0);
    CHECK(i.records("l") == 0);
}

TEST_CASE("index: an image of it with a name of its own stays when the index goes") {
    Images i;
    i.both("app:1");
    const auto other = i.store.find(Reference::parse("app:1"), {"linux", elsewhere, ""});
    i.store.tag(*other, Reference::parse("arm:1"));
    CHECK(i.store.list().size() == 2);
    i.store.remove("app:1");
    const auto all = i.store.list();
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == other->id);
    CHECK(!i.store.index_of(all[0]));
}

TEST_CASE("index: a name that becomes one image's is no index any more, and what it left is pruned") {
    Images i;
    i.both("app:1");
    Lease lease = i.store.empty_lease();
    i.store.tag(i.image("riscv64", lease), Reference::parse("app:1"));
    CHECK(!i.store.index_of(Reference::parse("app:1")));
    CHECK(!i.store.index_of(*i.store.find("app:1")));
    CHECK(i.store.list().size() == 3); // two without a name
    CHECK(i.store.prune({}).removed.deleted.size() == 2);
    CHECK(i.records("indexes") == 0);
    CHECK(i.store.list().size() == 1);
}

TEST_CASE("index: prune keeps all of a name of which one image is in use, and takes all of one that is not") {
    Images i;
    i.both("app:1");
    const auto other = i.store.find(Reference::parse("app:1"), {"linux", elsewhere, ""});
    PruneOptions used;
    used.all = true;
    used.in_use = [&](const Image& image) { return image.id == other->id; };
    CHECK(i.store.prune(used).removed.deleted.empty());
    CHECK(i.store.index_of(Reference::parse("app:1"))->members.size() == 2);
    used.in_use = nullptr;
    CHECK(i.store.prune(used).removed.deleted.size() == 2);
    CHECK(i.records("images") == 0);
}

TEST_CASE("index: a prune that is stopped says so, and takes nothing") {
    Images i;
    i.both("app:1");
    std::stop_source enough;
    enough.request_stop();
    PruneOptions all;
    all.all = true;
    all.stop = enough.get_token();
    const Pruned pruned = i.store.prune(all);
    CHECK(pruned.stopped);
    CHECK(pruned.removed.deleted.empty());
    CHECK(i.records("images") == 2);
    CHECK_THROWS_AS(heed(enough.get_token()), Error);
}

TEST_CASE("index: what is pulled of one later stands beside what is there") {
    Images i, registry;
    Lease lease = i.store.empty_lease(), theirs = registry.store.empty_lease();
    const Image one = i.image(elsewhere, lease);
    const std::string json = write_index({i.entry(one), registry.entry(registry.image(here, theirs))});
    i.store.tag(i.store.put_index(lease, json, "", {one.id}), Reference::parse("app:1"));
    CHECK(i.store.find("app:1")->id == one.id);
    CHECK(!i.store.index_of(*i.store.find("app:1"))); // one image is no several
    CHECK(!i.store.find(Reference::parse("app:1"), {"linux", here, ""}));
    const Image other = i.image(here, lease);
    i.store.tag(i.store.put_index(lease, json, "", {other.id}), Reference::parse("app:1"));
    CHECK(i.store.find("app:1")->id == other.id);
    CHECK(i.store.index_of(*i.store.find("app:1"))->members.size() == 2);
}
