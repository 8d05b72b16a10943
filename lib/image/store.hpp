// The machine's image store: blobs by digest, one unpacked directory per layer, names as small files.
//
//   blobs/sha256/<hex>     as the registry has them, verified, 0444
//   l/<8 letters>/         an unpacked layer, ready as an overlay lowerdir (short: mount(2) takes 4 KiB)
//   layers/<hex>.json      "this layer stands complete in l/…". Until a syncfs has made that true on
//                          the disk too, the record holds the boot id and counts in that boot only.
//                          A directory in l/ that no record names is garbage of a crash.
//   images/<hex>.json      an image: its manifest and its layers' directories; of a pull with a boot id at first, too
//   unsynced/              of which records that is so: image/late_sync.hpp
//   refs/<name>            a symbolic link per name ("/" written as "%") to ../images/<hex>.json
//   indexes/<hex>.json     an index: the images of it that are here, its document is a blob
//   index-refs/<name>      beside refs/<name>, which is one of those: the name stands for all of ../indexes/<hex>.json
//   ingest/                unfinished: <hex>.part (a download to be resumed), s-*/ (a running unpack)
//   lock held locks/ leases/ trash/
//
// All methods may be called from several threads and processes at once. They block on disk only,
// and on the store lock, which is held for milliseconds.
#pragma once

#include "base/fd.hpp"
#include "base/file.hpp"
#include "davit/image.hpp"
#include "registry/descriptor.hpp"
#include "registry/reference.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace davit::image {

// Keeps what it names from the garbage collector while this process uses it and no record says so
// yet: hold one from find() or pull() until the container's record stands.
class Lease {
public:
    Lease() = default;
    Lease(Lease&&) noexcept;
    Lease& operator=(Lease&&) noexcept;
    ~Lease();
    explicit operator bool() const { return static_cast<bool>(fd_); }

private:
    friend class Store;
    std::string path_;
    UniqueFd fd_; // locked: a lease whose lock is free belongs to a dead process
};

// Keeps images from `prune` and `rm` until it goes: who starts containers of them holds them until the containers'
// records stand. A locked byte of one common file for each: nothing is left of a process that dies.
class Hold {
public:
    Hold() = default;

private:
    friend class Store;
    UniqueFd fd_;
};

// One of the images, each for a platform of its own, that a name stands for together.
struct Variant {
    Platform platform;
    std::string id;              // of that image
    std::string manifest_digest; // of its manifest, as the index lists it
    std::uint64_t size = 0;      // sum of its layers' files, bytes
    bool operator==(const Variant&) const = default;
};

// What an index lists: images of one name, each for a platform of its own. The document may list more than are here.
struct Index {
    registry::Descriptor document;
    std::vector<Variant> members; // that are here
    // Manifests that it lists and that are here with all that they name: what attests to its members.
    std::vector<registry::Descriptor> attestations = {};
    // The name stands for more than one image.
    bool is_whole() const { return members.size() > 1 || !attestations.empty(); }
};

struct RemoveOptions {
    bool force = false;    // remove all names of an image given by id
    bool no_prune = false; // keep the layers and blobs until the next prune
    // Of several images that the name stands for only the one for this platform; its names stay with the others.
    std::optional<Platform> platform;
    // Ids of images that containers use; such an image is refused, or with force only loses its names.
    std::function<std::vector<std::string>(const Image&)> users; // → containers, as they are named
};

struct Removed {
    std::vector<std::string> untagged; // familiar references
    std::vector<std::string> deleted;  // image ids
};

struct PruneOptions {
    bool all = false;                         // images without container, not only those without name
    std::function<bool(const Image&)> in_use; // by a container
    std::function<bool(const Image&)> filter; // only those for which it is true
    std::stop_token stop = {};                // between two images
};

struct Pruned {
    Removed removed;
    std::uint64_t bytes = 0;
    bool stopped = false; // before the end: what the removed ones alone had goes with the next prune
};

class Store {
public:
    // Makes the directories when they are missing.
    explicit Store(std::string root);
    ~Store();
    Store(Store&&) noexcept;

    const std::string& root() const;
    // Again, when somebody has removed them since.
    void make_directories() const;

    // "redis", "redis:7", "redis@sha256:…", "sha256:<id>", or a prefix (≥ 1 hex digit) of an id; a
    // name wins over an id prefix. Errc::conflict if the prefix fits several images.
    std::optional<Image> find(std::string_view name) const;
    std::optional<Image> find(const registry::Reference& reference) const;
    // Of a name of several platforms the one that serves this one best; else the name's image, if it does.
    std::optional<Image> find(const registry::Reference& reference, const Platform& wanted) const;
    // Sorted by name, those without a name last. Of several that a name stands for together only the one that find()
    // gives, unless the others have names of their own.
    std::vector<Image> list() const;

    // Absolute lowerdir paths, topmost first.
    std::vector<std::string> layer_paths(const Image& image) const;
    // The image's bytes as they were digested: manifest and configuration JSON.
    std::string manifest_json(const Image& image) const;
    std::string config_json(const Image& image) const;

    // The image's name; another image of that name loses it.
    void tag(const Image& image, const registry::Reference& reference);
    // The same of all images of an index: find() gives this machine's, or the first.
    void tag(const Index& index, const registry::Reference& reference);
    // What an index behind the name lists, and how much of it is here: one image of it, or several.
    std::optional<Index> index_of(const registry::Reference& reference) const;
    // The first of the image's names that stands for several.
    std::optional<Index> index_of(const Image& image) const;
    // As tag(), of the same again.
    void looked_up(const registry::Reference& reference) const;
    // Keeps the document of an index with those of its images that are here: `ids`, and what it lists besides. The
    // lease keeps it until it has a name. Attestations whose blobs are here belong to it. Errc::failed: it is no index.
    Index put_index(Lease& lease, const std::string& json, const std::string& media_type,
                    const std::vector<std::string>& ids);
    // When tag() last gave the name, be it to the same image again (ns since 1970).
    std::optional<std::int64_t> named_at(const registry::Reference& reference) const;
    // Errc::not_found (also: not for that platform), Errc::conflict (in use, several names). What it deletes stands in
    // trash/ afterwards; empty_trash() gives the space back, outside of all locks.
    Removed remove(std::string_view name, const RemoveOptions& options = {});
    Pruned prune(const PruneOptions& options);
    // Deletes blobs and layers that no image and no lease names; returns their bytes.
    std::uint64_t collect_garbage();
    // Between two trees a stop throws interrupted.
    void empty_trash(const std::stop_token& stop = {});

    // What processes that died have left: collect_garbage() and empty_trash() remove it. Downloads
    // that the next pull goes on with are none.
    struct Leftover {
        std::string path, text;
    };
    std::vector<Leftover> leftovers() const;

    // Of images by id. Look them up afterwards: a prune may have come before.
    Hold hold(const std::vector<std::string>& ids) const;

    // For the writers of this component (pull, load): see image/store_impl.hpp.
    struct Impl;
    Impl& impl() const { return *impl_; }
    Lease empty_lease() const;
    void extend(Lease& lease, const std::string& line) const;

private:
    std::optional<Removed> remove_variant(std::string_view name, const RemoveOptions& options);

    std::unique_ptr<Impl> impl_;
};

} // namespace davit::image
