#include "image/recover.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json_read.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"
#include "image/ingest.hpp"
#include "image/late_sync.hpp"
#include "image/store_impl.hpp"

#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace davit::image {

namespace {

// The store's own blobs are all there is.
class Nothing : public BlobProvider {
public:
    std::unique_ptr<archive::ByteSource> open(const registry::Descriptor& blob, std::uint64_t,
                                              const std::stop_token&) override {
        throw error(Errc::not_found, "{} did not reach the disk", blob.digest);
    }
};

// Of images whose records hold the id of another boot; with their manifests.
std::vector<std::pair<std::string, registry::Descriptor>> stale_images(const Store::Impl& store) {
    std::vector<std::pair<std::string, registry::Descriptor>> out;
    for (const std::string& id : store.image_ids()) {
        const auto text = read_file_if_exists(store.path(store.image_file(id)));
        const Json json = text ? parse_untrusted(*text) : Json();
        const Json* manifest = json.is_object() ? object_of(json, "manifest") : nullptr;
        const std::string boot = json.is_object() ? text_of(json, "boot") : "";
        if (manifest && !boot.empty() && boot != store.boot)
            out.push_back({id,
                           {text_of(*manifest, "mediaType"),
                            text_of(*manifest, "digest"),
                            unsigned_of(*manifest, "size"),
                            std::nullopt,
                            {}}});
    }
    return out;
}

void make_again(Store& store, const std::string& id, const registry::Descriptor& manifest) {
    const Store::Impl& impl = store.impl();
    try {
        if (!registry::is_digest(manifest.digest)) throw error(Errc::failed, "its record is damaged");
        Nothing nothing;
        ingest(store, nothing, manifest, impl.read_blob(manifest.digest), {});
    } catch (const Error& e) {
        if (e.os()) throw; // no room, no memory: the next one may have it
        log::warning("the image {} had not reached the disk when the machine stopped: {}", id, e.describe());
        ::unlink(impl.path(impl.image_file(id)).c_str());
    }
}

} // namespace

void start_late_sync(const std::string& root) {
    try {
        SpawnOptions o;
        o.argv = {find_program("davit-supervisor"), "--late-sync", std::filesystem::absolute(root)};
        const UniqueFd null = sys::open("/dev/null", O_RDWR);
        o.fds = {{null.get(), 0}, {null.get(), 1}, {null.get(), 2}};
        o.new_session = true;
        const ExitStatus status = Child::spawn(o).wait(); // it forks and ends at once
        if (status.known && status.code == 0) return;
    } catch (const Error&) { // no such program, no process to be had
    }
    finish_late_syncs(root);
}

void recover(Store& store) {
    const Store::Impl& impl = store.impl();
    const FileLock only = FileLock::acquire(impl.path("syncing"));
    if (!is_unsynced_from_before(impl.root, impl.boot)) return; // somebody was faster
    try {
        for (const auto& [id, manifest] : stale_images(impl)) make_again(store, id, manifest);
        forget_notes_from_before(impl.root, impl.boot);
        store.empty_trash();
    } catch (const Error& e) { // they are missing meanwhile
        log::warning("images that had not reached the disk when the machine stopped: {}", e.describe());
    }
}

} // namespace davit::image
