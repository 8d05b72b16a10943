#include "image/step_records.hpp"

#include "base/hash.hpp"
#include "image/layer_ingest.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace davit;
using namespace davit::image;

namespace {

std::string digest_of(const std::string& text) { return "sha256:" + sha256_hex(text); }

class Cache {
public:
    Cache() : store(directory_ / "images"), records(store) {}

    // A layer with one file, of no image.
    Layer layer(const std::string& text, Lease& lease) {
        IngestSession session(store.impl());
        const std::string directory = session.fresh();
        std::ofstream(directory + "/file") << text;
        return keep_layer(store, lease, directory, digest_of(text), text.size(), 2048, false);
    }
    StepRecord put(const std::string& text) {
        Lease lease = store.empty_lease();
        StepRecord record{digest_of("key of " + text),
                          digest_of("key of " + text),
                          layer(text, lease),
                          "2026-01-02T03:04:05Z",
                          "RUN echo " + text,
                          "p " + text,
                          "c",
                          "r"};
        records.put(record);
        return record;
    }
    std::optional<StepRecord> find(const std::string& key) {
        Lease lease = store.empty_lease();
        return records.find(key, lease);
    }
    bool stands(const Layer& layer) const {
        return std::filesystem::exists(store.root() + "/" + layer.directory + "/file");
    }
    std::string file_of(const StepRecord& record) const {
        return store.root() + "/build/" + record.key.substr(7) + ".json";
    }

private:
    test::TempDir directory_;

public:
    Store store;
    StepRecords records;
};

} // namespace

TEST_CASE("what was put is found again, by its key only") {
    Cache cache;
    const StepRecord put = cache.put("one");
    const auto found = cache.find(put.key);
    REQUIRE(found);
    CHECK(found->key == put.key);
    CHECK(found->result == put.result);
    CHECK(found->layer == put.layer);
    CHECK(found->created == put.created);
    CHECK(found->description == put.description);
    CHECK(found->parent == "p one");
    CHECK(found->content == "c");
    CHECK(found->rest == "r");
    CHECK_FALSE(cache.find(digest_of("another")));

    cache.records.put({digest_of("no files"), digest_of("no files"), std::nullopt, "", "RUN true", {}, {}, {}});
    REQUIRE(cache.find(digest_of("no files")));
    CHECK_FALSE(cache.find(digest_of("no files"))->layer);

    cache.records.remove(put.key);
    CHECK_FALSE(cache.find(put.key));
}

TEST_CASE("a record that a power cut tore, or whose layer is gone, is none") {
    Cache cache;
    const StepRecord torn = cache.put("torn"), gone = cache.put("gone");
    std::ofstream(cache.file_of(torn)) << "{\"key\": \"sha2";
    CHECK_FALSE(cache.find(torn.key));
    std::filesystem::remove(cache.store.root() + "/layers/" + gone.layer->diff_id.substr(7) + ".json");
    CHECK_FALSE(cache.find(gone.key));
    CHECK(cache.records.list().size() == 1);
}

TEST_CASE("the collector keeps the layer that a record names, and takes what none names") {
    Cache cache;
    const StepRecord kept = cache.put("kept"), dropped = cache.put("dropped");
    cache.records.remove(dropped.key);
    CHECK(cache.store.collect_garbage() > 0);
    CHECK(cache.stands(*kept.layer));
    CHECK_FALSE(cache.stands(*dropped.layer));
    CHECK(cache.find(kept.key));
    CHECK(cache.store.collect_garbage() == 0);
}

TEST_CASE("what a lease has found stays while the lease does, though its record goes") {
    Cache cache;
    const StepRecord record = cache.put("used");
    {
        Lease lease = cache.store.empty_lease();
        REQUIRE(cache.records.find(record.key, lease));
        cache.records.remove(record.key);
        cache.store.collect_garbage();
        CHECK(cache.stands(*record.layer));
    }
    cache.store.collect_garbage();
    CHECK_FALSE(cache.stands(*record.layer));
}

TEST_CASE("the list begins with what was used least recently; a layer that an image has is shared") {
    Cache cache;
    const StepRecord a = cache.put("aa"), b = cache.put("b");
    for (const auto& [record, seconds] : {std::pair{a, 1000}, {b, 2000}}) {
        const timespec times[2] = {{seconds, 0}, {seconds, 0}};
        REQUIRE(::utimensat(AT_FDCWD, cache.file_of(record).c_str(), times, 0) == 0);
    }
    auto listed = cache.records.list();
    REQUIRE(listed.size() == 2);
    CHECK(listed[0].record.key == a.key);
    CHECK(listed[0].size == 2);
    CHECK(listed[0].last_used == 1000 * std::int64_t{1'000'000'000});
    CHECK_FALSE(listed[0].shared);
    cache.find(a.key); // used now
    CHECK(cache.records.list().back().record.key == a.key);

    Lease lease = cache.store.empty_lease();
    put_image(cache.store, lease,
              R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")" + b.layer->diff_id +
                  R"("]}})",
              {*b.layer});
    listed = cache.records.list();
    CHECK(listed[0].record.key == b.key);
    CHECK(listed[0].shared);
    CHECK_FALSE(listed[1].shared);
}

TEST_CASE("a layer that is there already is not kept twice") {
    Cache cache;
    Lease lease = cache.store.empty_lease();
    const Layer first = cache.layer("same", lease), second = cache.layer("same", lease);
    CHECK(first.directory == second.directory);
    CHECK(cache.stands(first));
}

TEST_CASE("of what a step was before, the last one used tells") {
    Cache cache;
    StepRecord record = cache.put("one");
    CHECK(cache.records.alike("RUN echo one")->key == record.key);
    CHECK_FALSE(cache.records.alike("RUN echo"));
    const StepRecord first = record;
    record.key = record.result = digest_of("after another base");
    cache.records.put(record);
    const timespec times[2] = {{1000, 0}, {1000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, cache.file_of(first).c_str(), times, 0) == 0);
    CHECK(cache.records.alike("RUN echo one")->key == record.key);
}
