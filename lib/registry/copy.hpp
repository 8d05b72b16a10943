// Images from one repository into another, without the store in between.
#pragma once

#include "registry/client.hpp"
#include "registry/push.hpp"
#include "registry/reference.hpp"

#include <set>
#include <stop_token>
#include <string>

namespace davit::registry {

// Brings manifests, all that they name and all that those name into one repository, each once. Any kind of manifest
// will do, artifacts and attestations among them. For one thread at a time; blocks on the network.
class Copier {
public:
    // The uploader's client is the repository of `to`.
    Copier(Reference to, RegistryClient& target, Uploader& uploader, std::stop_token stop)
        : to_(std::move(to)), target_(target), uploader_(uploader), stop_(std::move(stop)) {}

    // What `from` names there now, by its digest: it gets no tag here. Errors: as a pull's and a push's.
    Descriptor copy(const Reference& from, RegistryClient& source);

private:
    struct Source {
        const Reference& name;
        RegistryClient& client;
    };
    void contents(const Source& from, const RegistryClient::Document& document, int depth);
    void blobs(const Source& from, const std::vector<Descriptor>& list);
    void blob(const Source& from, const Descriptor& descriptor, const std::stop_token& stop);

    Reference to_;
    RegistryClient& target_;
    Uploader& uploader_;
    std::stop_token stop_;
    std::set<std::string> here_; // digests that need no second look
};

} // namespace davit::registry
