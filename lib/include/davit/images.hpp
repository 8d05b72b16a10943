// The machine's image store: listed, named, fetched, read from and written to archives, removed. What an image is
// stands in davit/image.hpp.
//
// Calls block on the disk, pull_image() and push_image() on the network; several threads and processes may call at
// once. Names are as people write them: "redis", "redis:7", "redis@sha256:…", an id or the beginning of one. Errors
// besides those each call names: denied (not root, not our directory), failed (the disk; os() == ENOSPC when it is
// full).
#pragma once

#include "davit/engine.hpp"
#include "davit/event.hpp"
#include "davit/image.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct ImageName {
    std::string repository; // as people write it: "redis", "grafana/grafana", "localhost:5000/x"
    std::string tag;        // empty only when a digest is given without one
    std::string digest;     // "sha256:…" or empty
    std::string familiar;   // "redis:7", "redis@sha256:…"
    std::string canonical;  // "docker.io/library/redis:7@sha256:…"
};
// With Docker's rules for what is left out. Errors: usage (the rule that is broken).
ImageName parse_image_name(const std::string& text);
std::optional<ImageName> try_parse_image_name(const std::string& text);

std::vector<image::Image> list_images(Engine& engine); // by name, those without a name last
// Errors: conflict (the beginning of an id fits several).
std::optional<image::Image> find_image(Engine& engine, const std::string& name);
// Errors: not_found, with a hint at others of that repository; conflict.
image::Image require_image(Engine& engine, const std::string& name);
// Of the images that the name stands for together the one for this platform ("linux/arm64"; empty: as above). Errors:
// not_found (also: none for it), usage (no platform).
image::Image require_image(Engine& engine, const std::string& name, const std::string& platform);
// Where its layers stand, the topmost first, as overlayfs has lowerdir.
std::vector<std::string> layer_directories(Engine& engine, const image::Image& image);
// When it came here, ns since the epoch: when it got the oldest of its names; without one, when it was made.
std::int64_t came_at(Engine& engine, const image::Image& image);
// Names of the containers of all projects that were made from it.
std::vector<std::string> containers_of(Engine& engine, const image::Image& image);

// "redis@sha256:…": by what it was fetched, and for each other name its repository with the digest of the manifest (or
// the index of several platforms) that is here. Each can be asked for.
std::vector<std::string> repository_digests(Engine& engine, const image::Image& image);

struct ImageVariant {
    image::Platform platform;
    std::string id;
    std::uint64_t size = 0; // bytes of its layers' files
};
// Where a name of the image stands for images of several platforms: all that are here, this one too. Empty: for it
// alone.
std::vector<ImageVariant> image_variants(Engine& engine, const image::Image& image);

// Gives the image `source` the name `target`; another image of that name loses it. Errors: not_found, usage (no name,
// a digest).
void tag_image(Engine& engine, const std::string& source, const std::string& target);

struct RemovedImages {
    std::vector<std::string> untagged; // familiar names
    std::vector<std::string> deleted;  // ids
};

struct RemoveImageOptions {
    bool force = false;    // remove all names of an image given by id; one that containers have loses its names
    bool no_prune = false; // keep the layers and blobs until the next prune
    std::string platform;  // "linux/arm64": of several images of the name only that one
};
// Errors: not_found, conflict (a container has it, several names).
RemovedImages remove_image(Engine& engine, const std::string& name, const RemoveImageOptions& options = {});

struct PruneImageOptions {
    bool all = false;                                // images without container, not only those without name
    std::function<bool(const image::Image&)> filter; // only those for which it is true
};
struct PrunedImages : RemovedImages {
    std::uint64_t bytes = 0; // that are free now
};
// A stop ends it between two images; those that are gone stay gone. Errors: interrupted.
PrunedImages prune_images(Engine& engine, const PruneImageOptions& options = {}, std::stop_token stop = {});
// What prune_images() would remove.
std::vector<image::Image> prunable_images(Engine& engine, const PruneImageOptions& options = {});
// Deletes the files of removed images, which takes longer than removing them: call it when the answer has been given.
// What a stop leaves goes with the next call. Errors: interrupted.
void empty_image_trash(Engine& engine, std::stop_token stop = {});

struct PullImageOptions {
    std::string platform; // "linux/arm64/v8"; empty: this machine's
    EventSink events;     // of OpKind::pull_image, with the sum of all layers; from several threads, never at once
};
// With the credentials and settings that docker and podman keep for this user. Errors: not_found (image, tag,
// platform), denied (credentials), unavailable (registry), interrupted. The store holds the whole image or nothing.
image::Image pull_image(Engine& engine, const std::string& name, const PullImageOptions& options = {},
                        std::stop_token stop = {});

// The tags that a repository ("busybox", "localhost:5000/team/app"; without a tag) has at its registry, in its order.
// Blocks on the network. Errors: as pull_image(), usage (a tag or digest is named).
std::vector<std::string> repository_tags(const std::string& repository, std::stop_token stop = {});

struct PushedLayer {
    enum class How { present, mounted, pushed, skipped }; // skipped: it may not be distributed
    std::string diff_id;
    How how = How::present;
    std::string from; // mounted: the repository that had it
};
struct PushImageOptions {
    std::string platform; // only this one; empty: all of the name that are here, and the index that lists them
    EventSink events;     // of OpKind::push_image, with the sum of all layers; from several threads, never at once
    std::function<void(const PushedLayer&)> layer; // when it is there; as events
};
struct PushedImage {
    std::string name;       // "docker.io/library/app:1"
    std::string tag;        // "1"
    std::string digest;     // of the manifest, or the index: a name of the image from now on
    std::uint64_t size = 0; // its bytes
};
// With the credentials and settings of pull_image(). What the registry has is not sent; what was cut off goes on where
// it stopped. Errors: not_found (no such image here, no such repository there), denied (login), unavailable (registry),
// unsupported (it takes no pushes), usage (a digest), interrupted.
PushedImage push_image(Engine& engine, const std::string& name, const PushImageOptions& options = {},
                       std::stop_token stop = {});

// Each name → its canonical form with the digest that its registry has now, as `config --resolve-image-digests` writes
// it. Blocks on the network, asks several registries at once; what cannot be looked up is thrown, all of it. Errors: as
// pull_image(), usage (no name), interrupted.
std::map<std::string, std::string> pinned_images(const std::set<std::string>& names, std::stop_token stop = {});

struct LoadedImage {
    image::Image image;
    std::vector<std::string> references; // familiar names given to it; empty: known by id only
};
// An OCI layout directory, or a tar (plain, gzip, zstd) of an OCI layout or docker-archive; from a path or from a
// descriptor that messages call `name`; of a stream each blob is written once, to where it stays. platform: empty: all
// platforms of a name that the archive holds.
std::vector<LoadedImage> load_images(Engine& engine, const std::string& path, const std::string& platform = {},
                                     std::stop_token stop = {});
std::vector<LoadedImage> load_images(Engine& engine, int fd, const std::string& name, const std::string& platform = {},
                                     std::stop_token stop = {});
struct ImportImageOptions {
    std::string name;                 // "app:1"; empty: known by its id only
    std::string message;              // of its history
    std::string platform;             // empty: this machine's
    std::vector<std::string> changes; // Dockerfile instructions: "CMD [\"sh\"]", "ENV A=b"
};
// The files of a tar (plain or compressed) as an image of one layer; fd stays the caller's, messages call it `name`.
// Errors: failed (no tar), usage (a change that is none, a bad name), interrupted.
image::Image import_image(Engine& engine, int fd, const std::string& name, const ImportImageOptions& options = {},
                          std::stop_token stop = {});
// The same of what an http:// or https:// URL has. Errors: not_found, denied, unavailable (the server), interrupted.
image::Image import_image_from(Engine& engine, const std::string& url, const ImportImageOptions& options = {},
                               std::stop_token stop = {});
// One tar that is both docker-archive and OCI layout, as Docker ≥ 25 writes it. Of a name of several platforms all that
// are here, or the one that is asked for. Errors: not_found, also of the platform; interrupted, with a part written.
void save_images(Engine& engine, const std::vector<std::string>& names, int fd, const std::string& platform = {},
                 std::stop_token stop = {});
// An OCI layout directory; images are added to one that exists.
void save_image_layout(Engine& engine, const std::vector<std::string>& names, const std::string& directory,
                       const std::string& platform = {}, std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop
