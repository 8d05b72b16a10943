#include "base/error.hpp"
#include "base/sys.hpp"
#include "image/platform.hpp"
#include "image/step_records.hpp"
#include "image/store_impl.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::image {

namespace {

constexpr std::time_t partial_download_life = 7 * 24 * 3600;
constexpr std::time_t write_life = 60; // of a file that write_file_atomic() is about to rename

bool is_older(const std::string& file, std::time_t seconds) {
    struct stat st {};
    return ::lstat(file.c_str(), &st) == 0 && st.st_mtim.tv_sec + seconds < std::time(nullptr);
}

// Somebody writes it at this moment.
bool is_in_the_making(const std::string& file) { return file.ends_with(".tmp") && !is_older(file, write_life); }

bool locked_by_somebody(int fd) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
        ::flock(fd, LOCK_UN);
        return false;
    }
    return errno == EWOULDBLOCK;
}

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& w : words) out += (out.empty() ? "" : ", ") + w;
    return out;
}

} // namespace

Lease::Lease(Lease&& o) noexcept : path_(std::move(o.path_)), fd_(std::move(o.fd_)) {}

Lease& Lease::operator=(Lease&& o) noexcept {
    std::swap(path_, o.path_);
    std::swap(fd_, o.fd_);
    return *this;
}

Lease::~Lease() {
    if (fd_) ::unlink(path_.c_str());
}

Lease Store::empty_lease() const {
    Lease out;
    out.path_ = impl_->path("leases/" + sys::random_hex(16));
    FileLock lock = impl_->use(); // the collector must not meet the file before it is locked
    out.fd_ = sys::open(out.path_, O_RDWR | O_CREAT | O_EXCL | O_APPEND);
    if (::flock(out.fd_.get(), LOCK_EX) < 0) throw sys_error(errno, "locking {}", out.path_);
    return out;
}

void Store::extend(Lease& lease, const std::string& line) const {
    FileLock lock = impl_->use();
    sys::write_all(lease.fd_.get(), line + "\n");
}

namespace {

// The byte of the common file that stands for an image.
struct flock byte_of(const std::string& id, short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(std::stoull(registry::hex_of(id).substr(0, 15), nullptr, 16));
    lock.l_len = 1;
    return lock;
}

bool is_held(const Store::Impl& store, const std::string& id) {
    const UniqueFd fd = sys::open_if_exists(store.path("held"), O_RDWR);
    struct flock lock = byte_of(id, F_WRLCK);
    return fd && ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

} // namespace

Hold Store::hold(const std::vector<std::string>& ids) const {
    const FileLock lock = impl_->use(); // whoever removes images looks while nobody takes a hold
    Hold out;
    out.fd_ = sys::open(impl_->path("held"), O_RDWR | O_CREAT, 0600);
    for (const std::string& id : ids) {
        struct flock byte = byte_of(id, F_RDLCK);
        if (::fcntl(out.fd_.get(), F_OFD_SETLK, &byte) < 0) throw sys_error(errno, "locking {}", impl_->path("held"));
    }
    return out;
}

void Store::Impl::discard(const std::string& what) const {
    std::string to = path("trash/" + sys::random_hex(16));
    if (::rename(what.c_str(), to.c_str()) < 0 && errno != ENOENT) throw sys_error(errno, "discarding {}", what);
}

std::string Store::Impl::fresh_layer_name() const {
    for (;;) {
        std::string name = "l/" + sys::random_hex(8);
        if (!exists(path(name))) return name;
    }
}

namespace {

// What live leases name: image ids, digests, layer directories.
std::set<std::string> leased(const Store::Impl& store, bool remove_dead = false) {
    std::set<std::string> out;
    for (const auto& name : list_directory(store.path("leases"))) {
        std::string file = store.path("leases/" + name);
        UniqueFd fd = sys::open_if_exists(file, O_RDWR);
        if (!fd) continue;
        if (!locked_by_somebody(fd.get())) {
            if (remove_dead) ::unlink(file.c_str());
            continue;
        }
        std::string text = sys::read_all(fd.get());
        for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
            out.insert(text.substr(at, end - at));
    }
    return out;
}

struct Marks {
    std::set<std::string> blobs, directories;
};

void mark_image(const ImageRecord& record, Marks& marks) {
    marks.blobs.insert(record.id);
    marks.blobs.insert(record.manifest.digest);
    for (const auto& layer : record.layers) {
        marks.blobs.insert(layer.digest);
        marks.directories.insert(layer.directory);
    }
}

void discard_sessions(const Store::Impl& store) {
    for (const auto& name : list_directory(store.path("ingest"))) {
        std::string file = store.path("ingest/" + name);
        if (name.starts_with("s-")) {
            UniqueFd fd = sys::open_if_exists(file, O_RDONLY | O_DIRECTORY);
            if (fd && !locked_by_somebody(fd.get())) store.discard(file);
            continue;
        }
        if (is_older(file, name.ends_with(".part") ? partial_download_life : write_life)) ::unlink(file.c_str());
    }
}

// Files that were locked while a layer came in: whoever waits for one looks again whether it is still there.
void remove_locks(const Store::Impl& store) {
    for (const auto& name : list_directory(store.path("locks")))
        if (auto lock = FileLock::try_acquire(store.path("locks/" + name)))
            ::unlink(store.path("locks/" + name).c_str());
}

// Records and blobs whose writer died before their rename.
void discard_torn_writes(const Store::Impl& store) {
    for (const char* directory : {"images", "indexes", "layers", "build", "unsynced", "blobs/sha256", "blobs/sha512"})
        for (const auto& name : list_directory(store.path(directory))) {
            std::string file = store.path(directory) + ("/" + name);
            if (name.ends_with(".tmp") && !is_in_the_making(file)) ::unlink(file.c_str());
        }
}

} // namespace

std::uint64_t Store::collect_garbage() {
    FileLock lock = impl_->collect();
    discard_torn_writes(*impl_);
    Marks marks;
    std::set<std::string> leases = leased(*impl_, true);
    for (const auto& id : impl_->image_ids())
        if (auto record = impl_->image_record(id)) mark_image(*record, marks);
    for (const auto& step : StepRecords(*this).list())
        if (step.record.layer) marks.directories.insert(step.record.layer->directory);
    impl_->collect_indexes(leases, marks.blobs);
    marks.blobs.insert(leases.begin(), leases.end());
    marks.directories.insert(leases.begin(), leases.end());
    std::uint64_t freed = 0;
    std::set<std::string> recorded;
    for (const auto& file : list_directory(impl_->path("layers"))) {
        if (file.ends_with(".tmp")) continue;
        auto record =
            file.ends_with(".json") ? impl_->layer("sha256:" + file.substr(0, file.size() - 5)) : std::nullopt;
        if (record && marks.directories.contains(record->directory)) {
            recorded.insert(record->directory);
            marks.blobs.insert(record->blob.digest);
            continue;
        }
        if (record) freed += record->size;
        ::unlink(impl_->path("layers/" + file).c_str());
    }
    for (const auto& name : list_directory(impl_->path("l")))
        if (!recorded.contains("l/" + name) && !marks.directories.contains("l/" + name))
            impl_->discard(impl_->path("l/" + name));
    for (const char* algorithm : {"sha256", "sha512"})
        for (const auto& hex : list_directory(impl_->path(std::string("blobs/") + algorithm))) {
            if (hex.ends_with(".tmp") || marks.blobs.contains(algorithm + (":" + hex))) continue;
            std::string file = impl_->path(std::string("blobs/") + algorithm + "/" + hex);
            freed += blob_bytes(file);
            impl_->discard(file);
        }
    discard_sessions(*impl_);
    remove_locks(*impl_);
    return freed;
}

std::vector<Store::Leftover> Store::leftovers() const {
    FileLock lock = impl_->use();
    std::vector<Leftover> out;
    auto each = [&](const std::string& directory, auto&& dead, const char* text) {
        for (const auto& name : list_directory(impl_->path(directory)))
            if (std::string path = impl_->path(directory + "/" + name); dead(name, path)) out.push_back({path, text});
    };
    auto unlocked = [](const std::string& path) {
        UniqueFd fd = sys::open_if_exists(path, O_RDONLY);
        return fd && !locked_by_somebody(fd.get());
    };
    each(
        "ingest",
        [&](const auto& name, const auto& path) {
            return name.starts_with("s-") ? unlocked(path) : !name.ends_with(".part") && is_older(path, write_life);
        },
        "was being unpacked by a davit that died");
    each(
        "leases", [&](const auto&, const auto& path) { return unlocked(path); }, "kept an image for a davit that died");
    each(
        "trash", [](const auto&, const auto&) { return true; }, "was to be deleted by a davit that died");
    for (const char* directory : {"images", "indexes", "layers", "build", "blobs/sha256", "blobs/sha512"})
        each(
            directory,
            [](const auto& name, const auto& path) { return name.ends_with(".tmp") && is_older(path, write_life); },
            "is left of a write that was interrupted");
    std::set<std::string> recorded;
    for (const auto& file : list_directory(impl_->path("layers")))
        if (auto record =
                file.ends_with(".json") ? impl_->layer("sha256:" + file.substr(0, file.size() - 5)) : std::nullopt)
            recorded.insert(record->directory);
    const auto leases = leased(*impl_);
    each(
        "l",
        [&](const auto& name, const auto&) { return !recorded.contains("l/" + name) && !leases.contains("l/" + name); },
        "is a layer without a record");
    return out;
}

void Store::empty_trash(const std::stop_token& stop) {
    for (const auto& name : list_directory(impl_->path("trash"))) {
        heed(stop);
        sys::remove_tree(impl_->path("trash/" + name));
    }
}

namespace {

void delete_record(const Store::Impl& store, const std::string& id, Removed& removed) {
    ::unlink(store.path("images/" + registry::hex_of(id) + ".json").c_str());
    removed.deleted.push_back(id);
}

void untag_all(const Store::Impl& store, const Image& image, Removed& removed) {
    for (const auto* names : {&image.tags, &image.digests})
        for (const auto& name : *names) {
            store.drop_name(registry::Reference::parse(name));
            removed.untagged.push_back(name);
        }
}

// Images that were there only as one of several of a name: they go with its last one.
class Members {
public:
    explicit Members(const Store::Impl& store) : store_(store), before_(store.hidden_members(store.names())) {}

    void delete_released(const std::set<std::string>& leases, const std::function<bool(const Image&)>& in_use,
                         Removed& removed) const {
        const auto names = store_.names();
        const auto still = store_.hidden_members(names);
        for (const auto& id : before_) {
            const bool named = std::any_of(names.begin(), names.end(), [&](const auto& name) { return name.id == id; });
            const auto image = still.contains(id) || named ? std::nullopt : store_.image(id);
            if (image && !leases.contains(id) && !is_held(store_, id) && !(in_use && in_use(*image)))
                delete_record(store_, id, removed);
        }
    }

private:
    const Store::Impl& store_;
    const std::set<std::string> before_;
};

// The image and those that share a name with it.
std::vector<Image> with_variants(const Store& store, const Image& image) {
    std::vector<Image> out{image};
    if (const auto several = store.index_of(image))
        for (const Variant& variant : several->members)
            if (auto other = variant.id == image.id ? std::nullopt : store.impl().image(variant.id))
                out.push_back(std::move(*other));
    return out;
}

} // namespace

namespace {

// Of an image or a container; names stay what they are.
std::string short_id(const std::string& id) {
    constexpr std::string_view algorithm = "sha256:";
    constexpr std::size_t whole = 64, shown = 12;
    const std::string hex = id.starts_with(algorithm) ? id.substr(algorithm.size()) : id;
    return hex.size() == whole ? hex.substr(0, shown) : hex;
}

} // namespace

// nullopt: the name stands for one image alone.
std::optional<Removed> Store::remove_variant(std::string_view name, const RemoveOptions& options) {
    const FileLock lock = impl_->collect();
    const auto image = find(name);
    if (!image) throw error(Errc::not_found, "no such image: {}", name);
    const auto reference = registry::Reference::try_parse(name);
    auto several = reference ? index_of(*reference) : std::nullopt;
    if (!several) several = index_of(*image);
    const std::vector<Variant> alone{{image->platform, image->id, "", 0}};
    const auto& members = several ? several->members : alone;
    const auto found = std::find_if(members.begin(), members.end(), [&](const Variant& member) {
        return distance(*options.platform, member.platform) == 0;
    });
    if (found == members.end())
        throw error(Errc::not_found,
                    "image with reference {} was found but does not provide the specified platform ({})", name,
                    to_string(*options.platform));
    if (members.size() == 1) return std::nullopt;
    const std::string id = found->id;
    const auto gone = impl_->image(id);
    const auto users = gone && options.users ? options.users(*gone) : std::vector<std::string>();
    if (!users.empty() && !options.force)
        throw error(Errc::conflict, "the image {} for {} is used by {}", name, to_string(*options.platform),
                    join(users))
            .with_hint("remove the containers first; -f only takes its names away");
    Removed out;
    impl_->drop_member(std::move(*several), id);
    const auto names = impl_->names();
    const bool kept = std::any_of(names.begin(), names.end(), [&](const auto& one) { return one.id == id; }) ||
                      impl_->hidden_members(names).contains(id) || leased(*impl_).contains(id) || is_held(*impl_, id) ||
                      !users.empty();
    if (!kept) delete_record(*impl_, id, out);
    return out;
}

Removed Store::remove(std::string_view name, const RemoveOptions& options) {
    Removed out;
    if (options.platform)
        if (auto variant = remove_variant(name, options)) {
            if (!options.no_prune && !variant->deleted.empty()) collect_garbage();
            return std::move(*variant);
        }
    {
        FileLock lock = impl_->collect();
        auto image = find(name);
        if (!image) throw error(Errc::not_found, "no such image: {}", name);
        const auto leases = leased(*impl_);
        const auto users_of = [&](const Image& one) {
            return options.users ? options.users(one) : std::vector<std::string>();
        };
        const Members members(*impl_);
        const auto delete_members = [&] {
            members.delete_released(
                leases, [&](const Image& one) { return !users_of(one).empty(); }, out);
        };
        std::vector<std::string> users;
        for (const Image& one : with_variants(*this, *image))
            for (auto& user : users_of(one)) users.push_back(std::move(user));
        const bool leased_now = leases.contains(image->id) || is_held(*impl_, image->id);
        auto reference = registry::Reference::try_parse(name);
        const bool by_name = reference && impl_->id_of(*reference) == image->id;
        if (by_name && reference->digest().empty() && image->tags.size() > 1) {
            impl_->drop_name(*reference);
            out.untagged.push_back(reference->familiar());
            delete_members();
            if (out.deleted.empty()) return out;
        } else {
            if (!by_name && image->tags.size() > 1 && !options.force)
                throw error(
                    Errc::conflict,
                    "conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories",
                    short_id(image->id))
                    .with_hint(fmt::format("-f removes all its names: {}", join(image->tags)));
            if (!users.empty() && !options.force)
                throw error(
                    Errc::conflict,
                    "conflict: unable to delete {} (must be forced) - container {} is using its referenced image {}",
                    by_name ? reference->familiar() : short_id(image->id), short_id(users.front()), short_id(image->id))
                    .with_hint("remove the containers first; -f only takes its names away");
            untag_all(*impl_, *image, out);
            delete_members();
            // Prune takes it once nobody uses it.
            if (users_of(*image).empty() && !leased_now) delete_record(*impl_, image->id, out);
            if (out.deleted.empty()) return out;
        }
    }
    if (!options.no_prune) collect_garbage();
    return out;
}

Pruned Store::prune(const PruneOptions& options) {
    Pruned out;
    {
        FileLock lock = impl_->collect();
        const auto leases = leased(*impl_);
        const Members members(*impl_);
        for (const auto& image : list()) {
            out.stopped = options.stop.stop_requested();
            if (out.stopped) break;
            if (!image.tags.empty() && !options.all) continue;
            if (options.filter && !options.filter(image)) continue;
            const auto all = with_variants(*this, image);
            if (std::any_of(all.begin(), all.end(), [&](const Image& one) {
                    return leases.contains(one.id) || is_held(*impl_, one.id) ||
                           (options.in_use && options.in_use(one));
                }))
                continue;
            untag_all(*impl_, image, out.removed);
            delete_record(*impl_, image.id, out.removed);
        }
        members.delete_released(leases, options.in_use, out.removed);
    }
    if (!out.stopped) out.bytes = collect_garbage();
    return out;
}

} // namespace davit::image
