#include "davit/build_cache.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "base/text_code.hpp"
#include "build/files/http_memory.hpp"
#include "engine/disk_survey.hpp"
#include "engine/roots.hpp"
#include "image/step_records.hpp"
#include "image/store_impl.hpp"
#include "registry/descriptor.hpp"

#include <algorithm>
#include <sys/stat.h>

namespace davit {

namespace {

std::string mounts_of(const image::Store& store) { return store.root() + "/cache-mounts"; }

BuildCacheEntry mount_entry(const std::string& directory, const std::string& name) {
    BuildCacheEntry out;
    out.id = name;
    out.description = "cache mount";
    out.mount = true;
    out.size = DiskSurvey().bytes(directory + "/data");
    struct stat st {};
    if (::stat((directory + "/lock").c_str(), &st) == 0)
        out.last_used = std::int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec;
    out.in_use = exists(directory + "/lock") && !FileLock::try_acquire(directory + "/lock");
    return out;
}

BuildCacheEntry url_entry(const build::HttpMemory::Kept& kept) {
    BuildCacheEntry out;
    out.id = kept.id;
    out.description = hide_userinfo(kept.url);
    out.url = true;
    out.size = kept.size;
    out.last_used = kept.last_used;
    return out;
}

std::vector<BuildCacheEntry> entries(image::Store& store, const build::HttpMemory& urls, const std::stop_token& stop) {
    std::vector<BuildCacheEntry> out;
    for (const auto& listed : image::StepRecords(store).list()) {
        BuildCacheEntry entry;
        entry.id = registry::hex_of(listed.record.key);
        entry.description = hide_userinfo(listed.record.description);
        entry.size = listed.size;
        entry.last_used = listed.last_used;
        entry.shared = listed.shared;
        out.push_back(std::move(entry));
    }
    for (const auto& name : image::list_directory(mounts_of(store))) {
        heed(stop);
        out.push_back(mount_entry(mounts_of(store) + "/" + name, name));
    }
    for (const auto& kept : urls.list()) out.push_back(url_entry(kept));
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.last_used < b.last_used; });
    return out;
}

// A build that has begun with it meanwhile keeps it.
bool remove_mount(const std::string& directory) {
    const auto lock = FileLock::try_acquire(directory + "/lock");
    if (!lock) return false;
    sys::remove_tree(directory + "/data");
    return true;
}

} // namespace

std::vector<BuildCacheEntry> build_cache(Engine& engine, std::stop_token stop) {
    image::Store store(roots_of(engine).images());
    return entries(store, build::HttpMemory(roots_of(engine).state + "/cache/build/urls"), stop);
}

PrunedBuildCache prune_build_cache(Engine& engine, const PruneBuildCacheOptions& options, std::stop_token stop) {
    image::Store store(roots_of(engine).images());
    const build::HttpMemory urls(roots_of(engine).state + "/cache/build/urls");
    std::vector<BuildCacheEntry> all = entries(store, urls, stop);
    std::uint64_t total = 0;
    for (const auto& entry : all) total += entry.shared ? 0 : entry.size;
    PrunedBuildCache out;
    for (BuildCacheEntry& entry : all) {
        heed(stop);
        if (total <= options.keep && options.keep > 0) break;
        if (entry.in_use || (entry.shared && !options.all)) continue;
        if (options.unused_since && entry.last_used > *options.unused_since) continue;
        if (entry.mount) {
            if (!remove_mount(mounts_of(store) + "/" + entry.id)) continue;
            out.bytes += entry.size;
        } else if (entry.url) {
            urls.forget(entry.id);
            out.bytes += entry.size;
        } else {
            image::StepRecords(store).remove("sha256:" + entry.id);
        }
        if (!entry.shared) total -= entry.size;
        out.removed.push_back(std::move(entry));
    }
    if (!out.removed.empty()) out.bytes += store.collect_garbage();
    store.empty_trash(stop);
    return out;
}

} // namespace davit
