// Images from and to files: OCI layouts (directory or tar) and docker-archives.
#pragma once

#include "image/layer_blobs.hpp"
#include "image/store.hpp"

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace davit::image {

struct Loaded {
    Image image;
    std::vector<std::string> references; // familiar names given to it; empty: known by id only
};

struct LoadOptions {
    std::string platform; // "linux/arm64"; empty: all that the archive holds of an index
    std::stop_token stop;
    bool names = true; // images get the names that the archive has for them; false: what is in it is only looked at
    // Of a layout only what index.json, or an index that it lists, has by that digest; or what it calls by that tag,
    // where it lists more than one. Empty: all.
    std::string digest = {}, tag = {};
};

// path: an OCI layout directory, or a tar (plain, gzip, zstd) of an OCI layout or docker-archive.
std::vector<Loaded> load(Store& store, const std::string& path, const LoadOptions& options = {});
// The same from a descriptor: a plain file from its beginning is read where it lies, of a stream the blobs are written
// once, to where they stay.
std::vector<Loaded> load(Store& store, int fd, const std::string& name, const LoadOptions& options = {});

struct SaveOptions {
    std::vector<std::string> names; // that an image given by id has in the archive, whatever the store calls it
    BlobMaker blobs;                // for layers that stand only as directories; without it they are Errc::failed
    std::string platform;           // of names of several platforms only that one; empty: all that are here
    std::stop_token stop = {};
    std::vector<std::string> indexes = {};               // digests of Store::put_index(): `names` are the first one's
    std::map<std::string, std::string> annotations = {}; // of what index.json lists
};

// One tar that is both docker-archive and OCI layout, as Docker ≥ 25 writes it; its bytes depend on
// the images only. names: as for Store::find. Returns what its index.json lists, each once.
std::vector<registry::Descriptor> save(const Store& store, const std::vector<std::string>& names, int fd,
                                       const SaveOptions& options = {});
// An OCI layout directory; images are added to one that exists.
std::vector<registry::Descriptor> save_layout(const Store& store, const std::vector<std::string>& names,
                                              const std::string& directory, const SaveOptions& options = {});

} // namespace davit::image
