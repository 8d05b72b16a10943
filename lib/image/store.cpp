#include "image/store.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "image/late_sync.hpp"
#include "image/recover.hpp"
#include "image/store_impl.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::image {

namespace {

constexpr char slash_in_names = '%'; // no reference holds one

bool is_hex_text(std::string_view s) {
    return !s.empty() &&
           std::all_of(s.begin(), s.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

} // namespace

std::optional<std::string> digest_in_link(const std::string& path) {
    char target[PATH_MAX];
    const ssize_t n = ::readlink(path.c_str(), target, sizeof target);
    if (n < 0) return std::nullopt;
    std::string hex(target, static_cast<std::size_t>(n));
    hex.erase(0, hex.find_last_of('/') + 1);
    if (!hex.ends_with(".json")) return std::nullopt;
    hex.resize(hex.size() - 5);
    std::string id = (hex.size() > 64 ? "sha512:" : "sha256:") + hex;
    return registry::is_digest(id) ? std::optional(id) : std::nullopt;
}

void Store::Impl::link_name(const std::string& link, const std::string& target,
                            const registry::Reference& reference) const {
    const std::string temporary = path("ingest/ref." + sys::random_hex(12));
    if (::symlink(target.c_str(), temporary.c_str()) < 0)
        throw sys_error(errno, "naming an image {}", reference.familiar());
    if (::rename(temporary.c_str(), link.c_str()) < 0) {
        int saved = errno;
        ::unlink(temporary.c_str());
        throw sys_error(saved, "naming an image {}", reference.familiar());
    }
}

std::string Store::Impl::file_of(const registry::Reference& reference) const {
    // name:tag@digest is looked up and kept by its digest alone: the digest wins.
    std::string file =
        reference.digest().empty() ? reference.canonical() : reference.with_digest(reference.digest()).canonical();
    if (file.size() > NAME_MAX)
        throw error(Errc::unsupported, "the image name '{}' is longer than {} characters", file, NAME_MAX);
    std::replace(file.begin(), file.end(), '/', slash_in_names);
    return file;
}

std::optional<std::string> Store::Impl::id_of(const registry::Reference& reference) const {
    return digest_in_link(name_path(reference));
}

void Store::Impl::set_name(const registry::Reference& reference, const std::string& id) const {
    link_name(name_path(reference), "../images/" + registry::hex_of(id) + ".json", reference);
}

std::vector<Store::Impl::Name> Store::Impl::names() const {
    std::vector<Name> out;
    for (auto& file : list_directory(path("refs"))) {
        auto id = digest_in_link(path("refs/" + file));
        if (!id) continue;
        std::replace(file.begin(), file.end(), slash_in_names, '/');
        out.push_back({std::move(file), std::move(*id)});
    }
    return out;
}

void Store::Impl::add_names(Image& image) const { add_names(image, names()); }

void Store::Impl::add_names(Image& image, const std::vector<Name>& all) const {
    for (const auto& name : all) {
        if (name.id != image.id) continue;
        auto reference = registry::Reference::try_parse(name.reference);
        if (reference) (reference->digest().empty() ? image.tags : image.digests).push_back(reference->familiar());
    }
}

Store::Store(std::string root) : impl_(std::make_unique<Impl>(std::move(root))) {
    if (is_unsynced_from_before(impl_->root, impl_->boot)) recover(*this);
}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

const std::string& Store::root() const { return impl_->root; }
void Store::make_directories() const { impl_->make_directories(); }

std::optional<Image> Store::find(const registry::Reference& reference) const {
    auto id = impl_->id_of(reference);
    if (!id && !reference.digest().empty())
        for (const auto& candidate : impl_->image_ids())
            if (auto record = impl_->image_record(candidate); record && record->manifest.digest == reference.digest())
                id = candidate;
    if (!id && !reference.digest().empty()) // of an index that a name of the same repository stands for
        for (const auto& name : impl_->names()) {
            const auto other = registry::Reference::try_parse(name.reference);
            if (!other || other->familiar_name() != reference.familiar_name()) continue;
            if (const auto index = index_of(*other); index && index->document.digest == reference.digest())
                id = name.id;
        }
    if (!id) return std::nullopt;
    auto image = impl_->image(*id);
    if (image) impl_->add_names(*image);
    return image;
}

std::optional<Image> Store::find(std::string_view name) const {
    if (auto reference = registry::Reference::try_parse(name))
        if (auto image = find(*reference)) return image;
    std::string_view hex = name.starts_with("sha256:") ? name.substr(7) : name;
    if (!is_hex_text(hex)) return std::nullopt;
    std::string found;
    for (const auto& id : impl_->image_ids()) {
        if (!registry::hex_of(id).starts_with(hex)) continue;
        if (!found.empty()) throw error(Errc::conflict, "several images have an id that begins with {}", hex);
        found = id;
    }
    if (found.empty()) return std::nullopt;
    auto image = impl_->image(found);
    if (image) impl_->add_names(*image);
    return image;
}

std::vector<Image> Store::list() const {
    std::vector<Image> out;
    const auto names = impl_->names();
    const auto hidden = impl_->hidden_members(names);
    for (const auto& id : impl_->image_ids()) {
        auto image = hidden.contains(id) ? std::nullopt : impl_->image(id);
        if (!image) continue;
        impl_->add_names(*image, names);
        out.push_back(std::move(*image));
    }
    auto key = [](const Image& i) { return i.tags.empty() ? std::string("\x7f") : i.tags.front(); };
    std::stable_sort(out.begin(), out.end(), [&](const Image& a, const Image& b) { return key(a) < key(b); });
    return out;
}

std::vector<std::string> Store::layer_paths(const Image& image) const {
    std::vector<std::string> out;
    for (auto layer = image.layers.rbegin(); layer != image.layers.rend(); ++layer) {
        // A layer twice (overlayfs refuses that): all the lower one has, the upper one hides.
        std::string path = impl_->path(layer->directory);
        if (std::find(out.begin(), out.end(), path) == out.end()) out.push_back(std::move(path));
        if (layer->opaque_root) break;
    }
    return out;
}

std::string Store::manifest_json(const Image& image) const { return impl_->read_blob(image.manifest_digest); }
std::string Store::config_json(const Image& image) const { return impl_->read_blob(image.id); }

void Store::tag(const Image& image, const registry::Reference& reference) {
    FileLock lock = impl_->use();
    if (!impl_->image_record(image.id)) throw error(Errc::not_found, "no such image: {}", image.id);
    ::unlink(impl_->name_path(reference, index_refs).c_str()); // it is one image's now
    impl_->set_name(reference, image.id);
}

std::optional<std::int64_t> Store::named_at(const registry::Reference& reference) const {
    struct stat st {};
    if (::lstat(impl_->name_path(reference).c_str(), &st) < 0) return std::nullopt;
    return st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec;
}

} // namespace davit::image
