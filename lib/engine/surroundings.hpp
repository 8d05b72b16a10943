// What containers refer to, looked up on this machine and among those being made by the same plan.
#pragma once

#include "container/container.hpp"
#include "image/store.hpp"
#include "project/store.hpp"
#include "reconcile/observed.hpp"
#include "reconcile/reconcile.hpp"

#include <map>
#include <string>

namespace davit {

class MachineSurroundings final : public Surroundings {
public:
    MachineSurroundings(const RecordStore& store, const image::Store& images, const ObservedState& observed,
                        const Reconciled& plan, const std::map<std::string, std::string>& pinned)
        : store_(store), images_(images), observed_(observed), plan_(plan), pinned_(pinned) {}

    Donor of_service(const std::string& service) override;
    Donor by_name(const std::string& container) override;
    std::vector<std::string> names_of(const std::string& service) override;
    ImageFacts image(const std::string& reference) override;
    VolumeRecord volume(const std::string& name) override;
    std::string read_file(const std::string& path) override;
    std::vector<runtime::Device> devices(const std::string& path) override;
    std::vector<cdi::File> cdi_files() override;
    std::string new_volume_name() override;

    // One that is being made: later ones may refer to it.
    void made(const BuiltContainer& container);

private:
    Donor existing(const ContainerRecord& record) const;

    const RecordStore& store_;
    const image::Store& images_;
    const ObservedState& observed_;
    const Reconciled& plan_;
    const std::map<std::string, std::string>& pinned_; // reference → the image that stands for it
    std::map<std::string, Donor> made_;                // by id
    std::map<std::string, ImageFacts> facts_;
};

} // namespace davit
