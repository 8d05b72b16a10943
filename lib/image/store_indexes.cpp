// Store: names that stand for images of several platforms.
#include "image/store_impl.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json_read.hpp"
#include "base/sys.hpp"
#include "image/platform.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::image {

namespace {

std::string record_of(const std::string& digest) { return "indexes/" + registry::hex_of(digest) + ".json"; }

// As the index lists the image: its configuration may say less of the platform, and its layers may have been
// compressed anew since, which makes it another manifest.
Variant listed_as(const std::vector<registry::Descriptor>& listed, const Image& image) {
    Variant out{image.platform, image.id, image.manifest_digest, image.size};
    const registry::Descriptor* found = nullptr;
    for (const auto& entry : listed) // the first: what attests to it comes after it
        if (!found && entry.digest == image.manifest_digest) found = &entry;
    for (const auto& entry : listed)
        if (!found && entry.platform && distance(*entry.platform, image.platform) == 0) found = &entry;
    if (!found) return out;
    out.manifest_digest = found->digest;
    if (found->platform) out.platform = *found->platform;
    return out;
}

// Which of them the name is of where nobody asks for a platform.
const Variant& leading(const std::vector<Variant>& members, const Platform& wanted) {
    const Variant* best = &members.front();
    std::optional<int> least;
    for (const Variant& member : members) {
        const auto far = distance(wanted, member.platform);
        if (!far || (least && *least <= *far)) continue;
        least = far;
        best = &member;
    }
    return *best;
}

} // namespace

std::optional<Index> Store::Impl::index(const std::string& digest) const {
    const auto text = read_file_if_exists(path(record_of(digest)));
    const Json json = text ? parse_untrusted(*text) : Json();
    if (!json.is_object() || !has_blob(digest)) return std::nullopt; // torn by a power cut
    Index out;
    out.document = {text_of(json, "media_type"), digest, unsigned_of(json, "size"), std::nullopt, {}};
    for (const Json& one : json.value("members", Json::array())) {
        if (!one.is_object()) continue;
        const auto record = image_record(text_of(one, "id"));
        if (!record) continue;
        Variant member{parse_platform(text_of(one, "platform")), record->id, text_of(one, "manifest")};
        for (const Layer& layer : record->layers) member.size += layer.size;
        out.members.push_back(std::move(member));
    }
    for (const Json& one : json.value("attestations", Json::array()))
        if (one.is_object() && has_blob(text_of(one, "digest")))
            out.attestations.push_back(
                {text_of(one, "media_type"), text_of(one, "digest"), unsigned_of(one, "size"), std::nullopt, {}});
    if (out.members.empty()) return std::nullopt;
    return out;
}

void Store::Impl::write_index(const Index& index) const {
    Json json{{"format", 1},
              {"media_type", index.document.media_type},
              {"size", index.document.size},
              {"members", Json::array()}};
    for (const Variant& member : index.members)
        json["members"].push_back(
            {{"platform", to_string(member.platform)}, {"id", member.id}, {"manifest", member.manifest_digest}});
    for (const auto& one : index.attestations)
        json["attestations"].push_back({{"media_type", one.media_type}, {"digest", one.digest}, {"size", one.size}});
    sys::make_dirs(path("indexes"), 0700);
    write_file_atomic(path(record_of(index.document.digest)), json.dump(1), 0600);
}

void Store::Impl::set_index(const registry::Reference& reference, const std::string& digest) const {
    sys::make_dirs(path(index_refs), 0700);
    link_name(name_path(reference, index_refs), "../" + record_of(digest), reference);
}

void Store::Impl::drop_name(const registry::Reference& reference) const {
    ::unlink(name_path(reference, index_refs).c_str());
    ::unlink(name_path(reference).c_str());
}

// The two links of a name are not made at once: what it is of now counts.
std::optional<Index> Store::Impl::index_of_name(const std::string& file) const {
    const auto digest = digest_in_link(path(index_refs) + file);
    const auto id = digest ? digest_in_link(path("refs/" + file)) : std::nullopt;
    auto out = id ? index(*digest) : std::nullopt;
    if (!out || std::none_of(out->members.begin(), out->members.end(), [&](const Variant& m) { return m.id == *id; }))
        return std::nullopt;
    return out;
}

std::vector<registry::Descriptor> Store::Impl::blobs_of_attestation(const std::string& digest) const {
    constexpr std::uint64_t most = 4u << 20; // of a manifest; its entry comes from a registry and may name any blob
    const auto text = blob_bytes(blob_path(digest)) <= most ? whole_blob(digest) : std::nullopt;
    const auto attestation = text ? parse_attestation(*text) : std::nullopt;
    return attestation ? attestation->blobs : std::vector<registry::Descriptor>();
}

// Of what an index lists.
std::vector<registry::Descriptor> Store::Impl::attestations_of(const std::vector<registry::Descriptor>& listed) const {
    std::vector<registry::Descriptor> out;
    for (const auto& entry : listed) {
        if (!entry.annotations.contains(attested_digest) || !has_blob(entry.digest)) continue;
        const auto blobs = blobs_of_attestation(entry.digest);
        const bool here = !blobs.empty() && std::all_of(blobs.begin(), blobs.end(),
                                                        [&](const auto& blob) { return has_blob(blob.digest); });
        if (here) out.push_back({entry.media_type, entry.digest, entry.size, std::nullopt, {}});
    }
    return out;
}

void Store::Impl::drop_member(Index index, const std::string& id) const {
    std::erase_if(index.members, [&](const Variant& member) { return member.id == id; });
    std::erase_if(index.attestations, [&](const registry::Descriptor& one) {
        const auto text = whole_blob(one.digest);
        const auto attestation = text ? parse_attestation(*text) : std::nullopt;
        return !attestation || std::none_of(index.members.begin(), index.members.end(), [&](const Variant& member) {
            return member.manifest_digest == attestation->subject;
        });
    });
    const std::string& other = leading(index.members, host_platform()).id;
    for (const Name& name : names()) {
        const auto reference = registry::Reference::parse(name.reference);
        const auto digest = digest_in_link(name_path(reference, index_refs));
        if (name.id == id && digest == index.document.digest) set_name(reference, other);
    }
    write_index(index);
}

std::set<std::string> Store::Impl::hidden_members(const std::vector<Name>& names) const {
    std::set<std::string> named, members;
    for (const Name& name : names) named.insert(name.id);
    for (const auto& file : list_directory(path(index_refs)))
        if (const auto of_several = index_of_name(file))
            for (const Variant& member : of_several->members)
                if (!named.contains(member.id)) members.insert(member.id);
    return members;
}

// Under the exclusive lock. What no name and no lease has goes; of the rest the documents stay.
void Store::Impl::collect_indexes(const std::set<std::string>& leases, std::set<std::string>& blobs) const {
    std::set<std::string> live = leases;
    for (const auto& file : list_directory(path(index_refs))) {
        if (const auto of_several = index_of_name(file)) live.insert(of_several->document.digest);
        else ::unlink((path(index_refs) + file).c_str());
    }
    for (const auto& file : list_directory(path("indexes"))) {
        if (!file.ends_with(".json")) continue;
        const std::string hex = file.substr(0, file.size() - 5);
        const std::string digest = (hex.size() > 64 ? "sha512:" : "sha256:") + hex;
        if (!live.contains(digest)) {
            ::unlink(path("indexes/" + file).c_str());
            continue;
        }
        blobs.insert(digest);
        const auto kept = index(digest);
        for (const auto& one : kept ? kept->attestations : std::vector<registry::Descriptor>()) {
            blobs.insert(one.digest);
            for (const auto& blob : blobs_of_attestation(one.digest)) blobs.insert(blob.digest);
        }
    }
}

std::optional<Index> Store::index_of(const registry::Reference& reference) const {
    return impl_->index_of_name(impl_->file_of(reference));
}

std::optional<Index> Store::index_of(const Image& image) const {
    for (const auto* names : {&image.tags, &image.digests})
        for (const auto& name : *names) {
            const auto reference = registry::Reference::try_parse(name);
            auto found = reference ? index_of(*reference) : std::nullopt;
            if (found && found->is_whole()) return found;
        }
    return std::nullopt;
}

std::optional<Image> Store::find(const registry::Reference& reference, const Platform& wanted) const {
    auto image = find(reference);
    if (!image) return std::nullopt;
    if (const auto several = index_of(reference)) {
        const Variant& best = leading(several->members, wanted);
        if (best.id != image->id) {
            image = impl_->image(best.id);
            if (image) impl_->add_names(*image);
        }
    }
    if (image && !distance(wanted, image->platform)) return std::nullopt;
    return image;
}

void Store::tag(const Index& index, const registry::Reference& reference) {
    const FileLock lock = impl_->use();
    const auto there = impl_->index(index.document.digest);
    if (!there) throw error(Errc::not_found, "no such index: {}", index.document.digest);
    ::unlink(impl_->name_path(reference, index_refs).c_str()); // never an index that the name is not of
    impl_->set_name(reference, leading(there->members, host_platform()).id);
    impl_->set_index(reference, index.document.digest);
}

void Store::looked_up(const registry::Reference& reference) const {
    const FileLock lock = impl_->use();
    if (::utimensat(AT_FDCWD, impl_->name_path(reference).c_str(), nullptr, AT_SYMLINK_NOFOLLOW) < 0)
        throw sys_error(errno, "naming an image {}", reference.familiar());
}

Index Store::put_index(Lease& lease, const std::string& json, const std::string& media_type,
                       const std::vector<std::string>& ids) {
    const auto listed = parse_index(json);
    const std::string digest = "sha256:" + sha256_hex(json);
    extend(lease, digest);
    const FileLock lock = impl_->use();
    Index out = impl_->index(digest).value_or(Index{});
    out.document = {
        media_type.empty() ? registry::media::oci_index : media_type, digest, json.size(), std::nullopt, {}};
    std::vector<std::string> all = ids;
    for (const auto& id : impl_->image_ids()) { // what came under another name
        const auto record = impl_->image_record(id);
        const bool is_listed = record && std::any_of(listed.begin(), listed.end(), [&](const auto& entry) {
                                   return entry.digest == record->manifest.digest;
                               });
        if (is_listed && std::find(all.begin(), all.end(), id) == all.end()) all.push_back(id);
    }
    for (const std::string& id : all) {
        const auto image = impl_->image(id);
        if (!image && std::find(ids.begin(), ids.end(), id) == ids.end()) continue;
        if (!image) throw error(Errc::not_found, "no such image: {}", id);
        std::erase_if(out.members, [&](const Variant& m) { return m.id == id; });
        out.members.push_back(listed_as(listed, *image));
    }
    out.attestations = impl_->attestations_of(listed);
    impl_->write_blob(digest, json);
    impl_->write_index(out);
    return out;
}

} // namespace davit::image
