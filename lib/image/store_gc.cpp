#include "base/error.hpp"
#include "base/sys.hpp"
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
    for (const char* directory : {"images", "layers", "build", "blobs/sha256", "blobs/sha512"})
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
    for (const char* directory : {"images", "layers", "build", "blobs/sha256", "blobs/sha512"})
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

void Store::empty_trash() {
    for (const auto& name : list_directory(impl_->path("trash"))) sys::remove_tree(impl_->path("trash/" + name));
}

namespace {

void delete_record(const Store::Impl& store, const std::string& id, Removed& removed) {
    ::unlink(store.path("images/" + registry::hex_of(id) + ".json").c_str());
    removed.deleted.push_back(id);
}

void untag_all(const Store::Impl& store, const Image& image, Removed& removed) {
    for (const auto* names : {&image.tags, &image.digests})
        for (const auto& name : *names) {
            ::unlink(store.name_path(registry::Reference::parse(name)).c_str());
            removed.untagged.push_back(name);
        }
}

} // namespace

Removed Store::remove(std::string_view name, const RemoveOptions& options) {
    Removed out;
    {
        FileLock lock = impl_->collect();
        auto image = find(name);
        if (!image) throw error(Errc::not_found, "no such image: {}", name);
        const std::vector<std::string> users = options.users ? options.users(*image) : std::vector<std::string>();
        const bool leased_now = leased(*impl_).contains(image->id) || is_held(*impl_, image->id);
        auto reference = registry::Reference::try_parse(name);
        const bool by_name = reference && impl_->id_of(*reference) == image->id;
        if (by_name && reference->digest().empty() && image->tags.size() > 1) {
            ::unlink(impl_->name_path(*reference).c_str());
            out.untagged.push_back(reference->familiar());
            return out;
        }
        if (!users.empty() && !options.force)
            throw error(Errc::conflict, "the image {} is used by {}", name, join(users))
                .with_hint("remove the containers first; -f only takes its names away");
        if (!by_name && image->tags.size() > 1 && !options.force)
            throw error(Errc::conflict, "the image {} has several names: {}", name, join(image->tags))
                .with_hint("-f removes them all");
        untag_all(*impl_, *image, out);
        if (!users.empty() || leased_now) return out; // prune takes it once nobody uses it
        delete_record(*impl_, image->id, out);
    }
    if (!options.no_prune) collect_garbage();
    return out;
}

Pruned Store::prune(const PruneOptions& options) {
    Pruned out;
    {
        FileLock lock = impl_->collect();
        const auto leases = leased(*impl_);
        for (const auto& image : list()) {
            if (!image.tags.empty() && !options.all) continue;
            if (leases.contains(image.id) || is_held(*impl_, image.id) || (options.in_use && options.in_use(image)) ||
                (options.filter && !options.filter(image)))
                continue;
            untag_all(*impl_, image, out.removed);
            delete_record(*impl_, image.id, out.removed);
        }
    }
    out.bytes = collect_garbage();
    return out;
}

} // namespace davit::image
